/* Counts of the known terms of a text, in each sentence and in the whole. */
#ifndef TOPICS_COUNTS_H
#define TOPICS_COUNTS_H

#include "terms.h"

typedef struct {
    uint32_t index; /* of the term */
    uint32_t whole; /* how often in the text so far */
    uint32_t here;  /* how often in the sentence `sentence` */
    uint32_t sentence;
} Entry;

typedef struct {
    uint32_t *places; /* 1 + the entry of a term, found by hashing its index; 0: none */
    Entry *entries;   /* of the text, in order of first occurrence */
    uint32_t *here;   /* the entries of the sentence counted last */
    uint64_t *keys;
    size_t n_entries, n_here, oov_here, oov_whole, n_places;
    size_t room_places, room_entries, room_here, room_keys;
} Counts;

static void free_counts(Counts *counts)
{
    PyMem_RawFree(counts->places);
    PyMem_RawFree(counts->entries);
    PyMem_RawFree(counts->here);
    PyMem_RawFree(counts->keys);
}

/* Empty the counts and make room for a text. */
static int begin_counts(Counts *counts, const Tokens *tokens, Analysis analysis)
{
    size_t most = keys_of(tokens->n_words, analysis);
    if (most > UINT32_MAX / 4)
        return NO_MEMORY;
    counts->n_entries = counts->oov_whole = 0;
    for (counts->n_places = 64; counts->n_places < most + most / 2;)
        counts->n_places *= 2;
    if (reserve(&counts->places, &counts->room_places, counts->n_places, sizeof(uint32_t))
        || reserve(&counts->entries, &counts->room_entries, most, sizeof(Entry))
        || reserve(&counts->here, &counts->room_here, most, sizeof(uint32_t))
        || reserve(&counts->keys, &counts->room_keys, most, sizeof(uint64_t)))
        return NO_MEMORY;
    memset(counts->places, 0, counts->n_places * sizeof(uint32_t));
    return DONE;
}

INLINED void count_term(Counts *counts, uint32_t index, uint32_t sentence)
{
    size_t mask = counts->n_places - 1, place = (index * 0x9E3779B1u) & mask;
    while (counts->places[place] && counts->entries[counts->places[place] - 1].index != index)
        place = (place + 1) & mask;
    if (!counts->places[place]) {
        counts->entries[counts->n_entries] = (Entry){index, 0, 0, UINT32_MAX};
        counts->places[place] = (uint32_t)++counts->n_entries;
    }
    uint32_t number = counts->places[place] - 1;
    Entry *entry = &counts->entries[number];
    entry->whole++;
    if (entry->sentence != sentence) {
        entry->sentence = sentence;
        entry->here = 0;
        counts->here[counts->n_here++] = number;
    }
    entry->here++;
}

/* Count the terms of one sentence, which then are `here`. What the caller has for each term, `width` bytes in `rows`,
   is fetched meanwhile. */
static void count_sentence(Counts *counts, const Tokens *tokens, size_t sentence, const Table *table,
    Analysis analysis, const char *rows, size_t width)
{
    size_t from = tokens->sentences[sentence], to = sentence_end(tokens, sentence);
    size_t n = sentence_keys(tokens, from, to, analysis, counts->keys);
    counts->n_here = counts->oov_here = 0;
    for (size_t i = 0; i < AHEAD && i < n; i++)
        PREFETCH(&table->slots[counts->keys[i] & table->mask]);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            PREFETCH(&table->slots[counts->keys[i + AHEAD] & table->mask]);
        uint32_t index = find(table, counts->keys[i]);
        if (index == UNKNOWN) {
            counts->oov_here++;
        } else {
            PREFETCH(rows + index * width);
            count_term(counts, index, (uint32_t)sentence);
        }
    }
    counts->oov_whole += counts->oov_here;
}

#endif
