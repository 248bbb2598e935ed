/* Scores without a matrix: weighted sums of TF-IDF features, straight from a text's counts. */
#ifndef TOPICS_SCORE_H
#define TOPICS_SCORE_H

#include <math.h>
#include <float.h>

#include "counts.h"

#define LOGS 64

static double logs[LOGS];

/* A linear model over the m terms of a table: m rows of an idf and k weights each, of one width of float. Sums are
   divided by `constant` plus `slope` times the Euclidean norm of the features (Singhal et al. 1996). */
typedef struct {
    const void *rows;
    int doubles;
    size_t k;
    int sublinear;
    double oov_mass; /* what an out-of-vocabulary term adds to a squared norm */
    double slope, constant;
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

/* Add up the weighted features of n counted terms: of the entries `here`, or where it is NULL of all of them. A term
   with idf 0 is no feature and counts as out of vocabulary. `start` starts the squared norm, which is returned; K is
   k, or a constant that the compiler unrolls. */
#define DEFINE_SUM(NAME, REAL, K, ROOM)                                                                           \
    static double NAME(const Linear *linear, const Entry *entries, const uint32_t *here, size_t n, double start,  \
        double *sums)                                                                                             \
    {                                                                                                             \
        const size_t k = (K);                                                                                     \
        const REAL *rows = linear->rows;                                                                          \
        double own[ROOM] = {0}, *total = ROOM > 1 ? own : sums, squared = start;                                  \
        if (ROOM == 1)                                                                                            \
            memset(sums, 0, k * sizeof(double));                                                                  \
        for (size_t i = 0; i < n; i++) {                                                                          \
            const Entry *entry = &entries[here ? here[i] : i];                                                    \
            uint32_t count = here ? entry->here : entry->whole;                                                   \
            const REAL *row = rows + entry->index * (k + 1);                                                      \
            double value = frequency(count, linear->sublinear) * row[0];                                          \
            for (size_t topic = 0; topic < k; topic++)                                                            \
                total[topic] += value * row[1 + topic];                                                           \
            squared += row[0] != 0 ? value * value : linear->oov_mass * count;                                    \
        }                                                                                                         \
        if (ROOM > 1)                                                                                             \
            memcpy(sums, own, k * sizeof(double));                                                                \
        return squared;                                                                                           \
    }
DEFINE_SUM(sum_double, double, linear->k, 1)
DEFINE_SUM(sum_single, float, linear->k, 1)
DEFINE_SUM(sum_single_of_5, float, 5, 5) /* the shipped label set has 5 topics */

static double sum_terms(const Linear *linear, const Entry *entries, const uint32_t *here, size_t n, size_t oov,
    double *sums)
{
    double start = linear->oov_mass * (double)oov;
    if (linear->doubles)
        return sum_double(linear, entries, here, n, start, sums);
    if (linear->k == 5)
        return sum_single_of_5(linear, entries, here, n, start, sums);
    return sum_single(linear, entries, here, n, start, sums);
}

INLINED double divisor(const Linear *linear, double squared)
{
    return linear->constant + linear->slope * (squared > 0 ? sqrt(squared) : 1);
}

/* Write the sums of a text to `whole` [k] and those of its best sentence, topic by topic, to `best` [k]; `sums` has
   room for k. `known` says whether any term is known. */
static int score_text(Counts *counts, const Tokens *tokens, const Table *table, Analysis analysis,
    const Linear *linear, double *sums, double *whole, double *best, uint8_t *known)
{
    if (begin_counts(counts, tokens, analysis))
        return NO_MEMORY;
    size_t k = linear->k, width = (k + 1) * (linear->doubles ? sizeof(double) : sizeof(float));
    double squared = 0;
    for (size_t sentence = 0; sentence < tokens->n_sentences; sentence++) {
        count_sentence(counts, tokens, sentence, table, analysis, linear->rows, width);
        squared = sum_terms(linear, counts->entries, counts->here, counts->n_here, counts->oov_here, sums);
        double factor = 1 / divisor(linear, squared);
        for (size_t topic = 0; topic < k; topic++)
            if (!sentence || sums[topic] * factor > best[topic])
                best[topic] = sums[topic] * factor;
    }
    if (tokens->n_sentences > 1)
        squared = sum_terms(linear, counts->entries, NULL, counts->n_entries, counts->oov_whole, sums);
    double factor = 1 / divisor(linear, squared);
    for (size_t topic = 0; topic < k; topic++)
        whole[topic] = sums[topic] * factor;
    *known = counts->n_entries > 0;
    return DONE;
}

#endif
