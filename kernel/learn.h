/* The terms of many texts, and in how many texts each is. */
#ifndef TOPICS_LEARN_H
#define TOPICS_LEARN_H

#include "terms.h"

typedef struct {
    uint64_t key;
    uint32_t texts; /* that have the term; 0 once it has been listed */
    uint32_t last;  /* 1 + the last of them */
} Found;

typedef struct {
    Table table;
    Found *found;
    uint64_t *keys;
    size_t room_found, room_keys;
} Learned;

static void free_learned(Learned *learned)
{
    free_table(&learned->table);
    PyMem_RawFree(learned->found);
    PyMem_RawFree(learned->keys);
}

static int double_table(Learned *learned)
{
    Table larger;
    if (make_table(&larger, (learned->table.mask + 1) * 4 / 3))
        return NO_MEMORY;
    for (uint32_t number = 0; number < learned->table.n; number++)
        insert(&larger, learned->found[number].key);
    free_table(&learned->table);
    learned->table = larger;
    return DONE;
}

/* Take in the terms of one text. */
static int learn_text(Learned *learned, const Tokens *tokens, Analysis analysis, uint32_t text)
{
    Table *table = &learned->table;
    for (size_t sentence = 0; sentence < tokens->n_sentences; sentence++) {
        size_t from = tokens->sentences[sentence], to = sentence_end(tokens, sentence);
        size_t most = keys_of(to - from, analysis);
        if (reserve(&learned->keys, &learned->room_keys, most, sizeof(uint64_t))
            || reserve(&learned->found, &learned->room_found, table->n + most, sizeof(Found)))
            return NO_MEMORY;
        size_t n = sentence_keys(tokens, from, to, analysis, learned->keys);
        while (table->n + n > (table->mask + 1) / 3 * 2)
            if (double_table(learned))
                return NO_MEMORY;
        for (size_t i = 0; i < n; i++) {
            uint32_t number = insert(table, learned->keys[i]);
            if (number != UNKNOWN)
                learned->found[number] = (Found){learned->keys[i], 0, 0};
            else
                number = find(table, learned->keys[i]);
            Found *found = &learned->found[number];
            found->texts += found->last != text + 1;
            found->last = text + 1;
        }
    }
    return DONE;
}

/* Write n words joined by spaces, or (n = 1) the first few code points of a word and an asterisk. */
static PyObject *term_string(const Tokens *tokens, size_t first, size_t n, size_t prefix)
{
    const Word *word = &tokens->words[first], *last = &tokens->words[first + n - 1];
    size_t length = (prefix && prefix < word->length ? prefix : last->start + last->length - word->start) + n - 1;
    Py_UCS4 *letters = PyMem_Malloc((length + 1) * sizeof(Py_UCS4));
    if (!letters)
        return PyErr_NoMemory();
    size_t end = 0;
    for (size_t i = 0; i < n; i++, word++) {
        size_t taken = prefix && prefix < word->length ? prefix : word->length;
        if (i)
            letters[end++] = ' ';
        memcpy(letters + end, tokens->codes + word->start, taken * sizeof(Py_UCS4));
        end += taken;
    }
    if (prefix)
        letters[end++] = '*';
    PyObject *string = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, letters, (Py_ssize_t)end);
    PyMem_Free(letters);
    return string;
}

static int list_term(Learned *learned, uint64_t key, uint32_t least, const Tokens *tokens, size_t first, size_t n,
    size_t prefix, PyObject *terms)
{
    Found *found = &learned->found[find(&learned->table, key)];
    if (found->texts < least || !found->texts)
        return 0;
    found->texts = 0;
    PyObject *string = term_string(tokens, first, n, prefix);
    int result = string ? PyList_Append(terms, string) : -1;
    Py_XDECREF(string);
    return result;
}

/* Append the terms of one text that are in at least `least` texts and not listed yet; needs the GIL. */
static int list_text(
    Learned *learned, const Tokens *tokens, Analysis analysis, uint32_t least, PyObject *terms)
{
    for (size_t sentence = 0; sentence < tokens->n_sentences; sentence++) {
        size_t to = sentence_end(tokens, sentence);
        for (size_t i = tokens->sentences[sentence]; i < to; i++) {
            uint64_t ngram = tokens->words[i].hash;
            if (list_term(learned, WORD_KEY(ngram), least, tokens, i, 1, 0, terms))
                return -1;
            uint64_t prefix = tokens->words[i].prefix;
            if (analysis.prefix
                && list_term(learned, PREFIX_KEY(prefix), least, tokens, i, 1, analysis.prefix, terms))
                return -1;
            for (size_t last = i + 1; last < to && last < i + analysis.ngrams; last++) {
                ngram = NGRAM(ngram, tokens->words[last].hash);
                if (list_term(learned, WORD_KEY(ngram), least, tokens, i, last - i + 1, 0, terms))
                    return -1;
            }
        }
    }
    return 0;
}

#endif
