/* The terms of a sentence as 64-bit keys, as `Analyzer.terms` specifies them, and a table of known keys. */
#ifndef TOPICS_TERMS_H
#define TOPICS_TERMS_H

#include "tokens.h"

#if defined(__GNUC__)
#define PREFETCH(place) __builtin_prefetch(place)
#else
#define PREFETCH(place) ((void)(place))
#endif

#define UNKNOWN UINT32_MAX
#define AHEAD 12 /* keys whose place in the table is fetched before they are looked up */

typedef struct {
    unsigned ngrams, prefix;
} Analysis;

/* Mix all bits: the finaliser of MurmurHash3. */
INLINED uint64_t mixed(uint64_t hash)
{
    hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDu;
    hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53u;
    return hash ^ (hash >> 33);
}

#define WORD_KEY(hash) mixed(hash)
#define PREFIX_KEY(hash) mixed(~(hash))
#define NGRAM(first, next) step(mixed(first), (next)) /* fold it over the words, then take WORD_KEY */

/* Write the keys of one sentence, of words `from` to `to`, and give their number: at most keys_of(n) for n words. */
INLINED size_t sentence_keys(const Tokens *tokens, size_t from, size_t to, Analysis analysis, uint64_t *keys)
{
    size_t n = 0;
    const Word *words = tokens->words;
    for (size_t i = from; i < to; i++) {
        keys[n++] = WORD_KEY(words[i].hash);
        if (analysis.prefix)
            keys[n++] = PREFIX_KEY(words[i].prefix);
        uint64_t ngram = words[i].hash;
        for (size_t last = i + 1; last < to && last < i + analysis.ngrams; last++) {
            ngram = NGRAM(ngram, words[last].hash);
            keys[n++] = WORD_KEY(ngram);
        }
    }
    return n;
}

static size_t keys_of(size_t words, Analysis analysis)
{
    return words * (analysis.ngrams + 1);
}

/* Open addressing with linear probing, at most two thirds full. In a slot are the high bits of a key, and in place of
   the low ones, which say where it is, 1 + its number: half the memory, which is what finding a key waits for. */
typedef struct {
    uint64_t *slots; /* 0: empty */
    uint64_t mask;   /* of the low bits; there are 1 + mask slots */
    uint32_t n;
} Table;

static int make_table(Table *table, size_t expected)
{
    size_t room = 64;
    while (room < expected + expected / 2)
        room *= 2;
    table->slots = PyMem_RawCalloc(room, sizeof(uint64_t));
    table->mask = room - 1;
    table->n = 0;
    return table->slots ? DONE : NO_MEMORY;
}

static void free_table(Table *table)
{
    PyMem_RawFree(table->slots);
}

INLINED uint64_t *slot_of(const Table *table, uint64_t key)
{
    size_t place = key & table->mask;
    while (table->slots[place] && (table->slots[place] ^ key) > table->mask)
        place = (place + 1) & table->mask;
    return &table->slots[place];
}

/* Give the number of a key, UNKNOWN (which is 0 - 1) where there is none. */
INLINED uint32_t find(const Table *table, uint64_t key)
{
    return (uint32_t)(*slot_of(table, key) & table->mask) - 1;
}

/* Give a new key the next number; UNKNOWN where the key is there already. The caller has made room. */
static uint32_t insert(Table *table, uint64_t key)
{
    uint64_t *slot = slot_of(table, key);
    if (*slot)
        return UNKNOWN;
    *slot = (key & ~table->mask) | (table->n + 1);
    return table->n++;
}

#endif
