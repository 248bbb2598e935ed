/* Counts as compressed sparse rows, for training. */
#ifndef TOPICS_MATRIX_H
#define TOPICS_MATRIX_H

#include <stdlib.h>

#include "counts.h"

typedef struct {
    double *data;
    int32_t *indices, *indptr;
    double *oov;
    size_t n_data, n_rows;
    size_t room_data, room_indices, room_indptr, room_oov;
} Matrix;

static void free_matrix(Matrix *matrix)
{
    PyMem_RawFree(matrix->data);
    PyMem_RawFree(matrix->indices);
    PyMem_RawFree(matrix->indptr);
    PyMem_RawFree(matrix->oov);
}

static int by_value(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return (a > b) - (a < b);
}

/* Begin a row for up to n terms, given as index << 32 | count in any order, and fill it. */
static int add_row(Matrix *matrix, uint64_t *terms, size_t n, size_t oov)
{
    if (matrix->n_data + n > INT32_MAX
        || reserve(&matrix->data, &matrix->room_data, matrix->n_data + n, sizeof(double))
        || reserve(&matrix->indices, &matrix->room_indices, matrix->n_data + n, sizeof(int32_t))
        || reserve(&matrix->indptr, &matrix->room_indptr, matrix->n_rows + 2, sizeof(int32_t))
        || reserve(&matrix->oov, &matrix->room_oov, matrix->n_rows + 1, sizeof(double)))
        return NO_MEMORY;
    if (n > 1)
        qsort(terms, n, sizeof(uint64_t), by_value);
    for (size_t i = 0; i < n; i++) {
        matrix->indices[matrix->n_data] = (int32_t)(terms[i] >> 32);
        matrix->data[matrix->n_data++] = (double)(uint32_t)terms[i];
    }
    matrix->indptr[0] = 0;
    matrix->oov[matrix->n_rows] = (double)oov;
    matrix->indptr[++matrix->n_rows] = (int32_t)matrix->n_data;
    return DONE;
}

/* Add a row for each sentence of a text, and one for the text. */
static int add_text(Matrix *sentences, Matrix *wholes, Counts *counts, const Tokens *tokens, const Table *table,
    Analysis analysis)
{
    if (begin_counts(counts, tokens, analysis))
        return NO_MEMORY;
    for (size_t sentence = 0; sentence < tokens->n_sentences; sentence++) {
        count_sentence(counts, tokens, sentence, table, analysis, NULL, 0);
        for (size_t i = 0; i < counts->n_here; i++) {
            const Entry *entry = &counts->entries[counts->here[i]];
            counts->keys[i] = (uint64_t)entry->index << 32 | entry->here;
        }
        if (add_row(sentences, counts->keys, counts->n_here, counts->oov_here))
            return NO_MEMORY;
    }
    for (size_t i = 0; i < counts->n_entries; i++)
        counts->keys[i] = (uint64_t)counts->entries[i].index << 32 | counts->entries[i].whole;
    return add_row(wholes, counts->keys, counts->n_entries, counts->oov_whole);
}

#endif
