/* Scores without a matrix: weighted sums of TF-IDF features, straight from a text's counts. */
#ifndef TOPICS_SCORE_H
#define TOPICS_SCORE_H

#include <math.h>
#include <float.h>

#include "counts.h"

#define LOGS 64

static double logs[LOGS];

/* A linear model over the m terms of a table: m rows of an idf and k weights each, of one width of float. */
typedef struct {
    const void *rows;
    int doubles;
    size_t k;
    int sublinear;
    double unknown; /* what an unknown term adds to a squared norm */
    double share;   /* of the best sentence */
} Linear;

static void make_logs(void)
{
    for (int i = 1; i < LOGS; i++)
        logs[i] = 1 + log(i);
}

INLINED double frequency(uint32_t count, int sublinear)
{
    if (!sublinear)
        return count;
    return count < LOGS ? logs[count] : 1 + log(count);
}

/* Add one term to a row's sums; a term with idf 0 is no feature, and counts as unknown. */
#define DEFINE_ADD(NAME, REAL)                                                                                    \
    INLINED double NAME(const Linear *linear, uint32_t index, uint32_t count, double *sums, size_t k)             \
    {                                                                                                             \
        const REAL *row = (const REAL *)linear->rows + index * (k + 1);                                           \
        double value = frequency(count, linear->sublinear) * row[0];                                              \
        for (size_t topic = 0; topic < k; topic++)                                                                \
            sums[topic] += value * row[1 + topic];                                                                \
        return row[0] != 0 ? value * value : linear->unknown * count;                                             \
    }
DEFINE_ADD(add_single, float)
DEFINE_ADD(add_double, double)

INLINED double add(const Linear *linear, uint32_t index, uint32_t count, double *sums)
{
    if (linear->doubles)
        return add_double(linear, index, count, sums, linear->k);
    return linear->k == 5 ? add_single(linear, index, count, sums, 5) /* unrolled for the shipped label set */
                          : add_single(linear, index, count, sums, linear->k);
}

INLINED void divide(double *sums, size_t k, double squared)
{
    double norm = squared > 0 ? sqrt(squared) : 1;
    for (size_t topic = 0; topic < k; topic++)
        sums[topic] /= norm;
}

static void sum_sentence(const Counts *counts, const Linear *linear, double *sums)
{
    double squared = linear->unknown * (double)counts->unknown_here;
    memset(sums, 0, linear->k * sizeof(double));
    for (size_t i = 0; i < counts->n_here; i++) {
        const Entry *entry = &counts->entries[counts->here[i]];
        squared += add(linear, entry->index, entry->here, sums);
    }
    divide(sums, linear->k, squared);
}

static void sum_whole(const Counts *counts, const Linear *linear, double *sums)
{
    double squared = linear->unknown * (double)counts->unknown_whole;
    memset(sums, 0, linear->k * sizeof(double));
    for (size_t i = 0; i < counts->n_entries; i++)
        squared += add(linear, counts->entries[i].index, counts->entries[i].whole, sums);
    divide(sums, linear->k, squared);
}

/* Pool the sums of a text and of its best sentence into `pooled` [k]; `scratch` has room for 2 k. `known` says
   whether any term is known. */
static int score_text(Counts *counts, const Tokens *tokens, const Table *table, Analysis analysis,
    const Linear *linear, double *scratch, double *pooled, uint8_t *known)
{
    if (begin_counts(counts, tokens, analysis))
        return NO_MEMORY;
    size_t k = linear->k;
    double *best = scratch, *sums = scratch + k;
    for (size_t sentence = 0; sentence < tokens->n_sentences; sentence++) {
        count_sentence(counts, tokens, sentence, table, analysis);
        sum_sentence(counts, linear, sums);
        for (size_t topic = 0; topic < k; topic++)
            if (!sentence || sums[topic] > best[topic])
                best[topic] = sums[topic];
    }
    if (tokens->n_sentences > 1)
        sum_whole(counts, linear, sums);
    for (size_t topic = 0; topic < k; topic++)
        pooled[topic] = (1 - linear->share) * sums[topic] + linear->share * best[topic];
    *known = counts->n_entries > 0;
    return DONE;
}

#endif
