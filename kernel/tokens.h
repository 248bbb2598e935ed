/* Text to words and sentences, as `features.words` and `features.sentences` specify them. */
#ifndef TOPICS_TOKENS_H
#define TOPICS_TOKENS_H

#include "fold.h"

#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

#define SENTENCE_WORDS 6
#define FACTOR 0x9E3779B97F4A7C15u

/* The characters of one str; the caller holds the str. */
typedef struct {
    const void *data;
    size_t length;
    int kind;
} Text;

typedef struct {
    uint64_t hash;   /* of all its code points */
    uint64_t prefix; /* of the first few */
    size_t start;    /* its code points are codes[start .. start + length] */
    size_t length;
} Word;

typedef struct {
    uint32_t *codes;
    Word *words;
    size_t *sentences; /* the first word of each */
    size_t n_words, n_sentences;
    size_t room_codes, room_words, room_sentences;
} Tokens;

static void free_tokens(Tokens *tokens)
{
    PyMem_RawFree(tokens->codes);
    PyMem_RawFree(tokens->words);
    PyMem_RawFree(tokens->sentences);
}

/* Make room for `needed` items of `size` bytes; the content stays. */
static int reserve(void *place, size_t *room, size_t needed, size_t size)
{
    if (needed <= *room)
        return DONE;
    size_t wanted = needed + needed / 2 + 64;
    void *grown = wanted < PY_SSIZE_T_MAX / size ? PyMem_RawRealloc(*(void **)place, wanted * size) : NULL;
    if (!grown)
        return NO_MEMORY;
    *(void **)place = grown;
    *room = wanted;
    return DONE;
}

INLINED uint64_t step(uint64_t hash, uint64_t part)
{
    return (((hash << 5) | (hash >> 59)) ^ part) * FACTOR;
}

INLINED uint32_t code_at(const Text *text, int kind, size_t place)
{
    if (kind == PyUnicode_1BYTE_KIND)
        return ((const Py_UCS1 *)text->data)[place];
    if (kind == PyUnicode_2BYTE_KIND)
        return ((const Py_UCS2 *)text->data)[place];
    return ((const Py_UCS4 *)text->data)[place];
}

/* The word under the reader's eye. `held` is an apostrophe (1) or an apostrophe and an s (2) whose meaning the next
   character decides: a possessive at the end of the word is cut. */
typedef struct {
    uint64_t hash, prefix_hash;
    uint32_t *codes;
    size_t start, end; /* of the word in codes */
    size_t prefix;
    int held;
} Reader;

INLINED void append(Reader *reader, uint32_t code)
{
    reader->codes[reader->end++] = code;
    reader->hash = step(reader->hash, code);
    if (reader->end - reader->start == reader->prefix)
        reader->prefix_hash = reader->hash;
}

INLINED void letter(Reader *reader, uint32_t code)
{
    if (reader->held) {
        if (reader->held == 1 && code == 's') {
            reader->held = 2;
            return;
        }
        if (reader->held == 2)
            append(reader, 's');
        reader->held = 0;
    }
    append(reader, code);
}

INLINED void end_word(Tokens *tokens, Reader *reader)
{
    size_t length = reader->end - reader->start;
    if (length) {
        Word *word = &tokens->words[tokens->n_words++];
        word->hash = reader->hash;
        word->prefix = length < reader->prefix ? reader->hash : reader->prefix_hash;
        word->start = reader->start;
        word->length = length;
    }
    reader->hash = FACTOR;
    reader->start = reader->end;
    reader->held = 0;
}

/* After a character that may end a sentence at `place`: 1 where closing marks and white space follow, else 0; or
   -(1 + page) for a page that has to be filled first. */
INLINED int64_t ends_piece(const Text *text, int kind, size_t place)
{
    for (size_t next = place + 1; next < text->length; next++) {
        uint32_t code = code_at(text, kind, next);
        const Page *page = page_at(PAGE_OF(code));
        if (!page)
            return -(int64_t)(1 + PAGE_OF(code));
        int role = page->roles[PLACE_OF(code)];
        if (role & SPACE)
            return 1;
        if (!(role & CLOSES))
            return 0;
    }
    return 0;
}

INLINED int tokenise_kind(Tokens *tokens, const Text *text, int kind, unsigned prefix)
{
    Reader reader = {FACTOR, FACTOR, tokens->codes, 0, 0, prefix, 0};
    const size_t length = text->length;
    const Page *first = page_at(0); /* of most characters, so it is looked up once */
    for (size_t place = 0; place < length; place++) {
        uint32_t code = code_at(text, kind, place);
        const Page *page = PAGE_OF(code) ? page_at(PAGE_OF(code)) : first;
        if (!page)
            return 1 + PAGE_OF(code);
        uint32_t fold = page->folds[PLACE_OF(code)];
        if (fold >= SEVERAL) {
            size_t several = SEVERAL_LENGTH(fold);
            /* the rest of the text, one code point each, and a held s keep their room */
            size_t needed = reader.end + several + (length - place) + 1;
            if (reserve(&tokens->codes, &tokens->room_codes, needed, sizeof(uint32_t)))
                return NO_MEMORY;
            reader.codes = tokens->codes;
            for (size_t i = 0; i < several; i++)
                letter(&reader, page->pool[SEVERAL_PLACE(fold) + i]);
        } else if (fold >= FIRST_CODE) {
            letter(&reader, fold);
        } else if (fold == SEPARATOR) {
            end_word(tokens, &reader);
            if (!(page->roles[PLACE_OF(code)] & ENDS))
                continue;
            int64_t ends = ends_piece(text, kind, place);
            if (ends < 0)
                return (int)-ends;
            if (ends && tokens->n_words - tokens->sentences[tokens->n_sentences - 1] >= SENTENCE_WORDS)
                tokens->sentences[tokens->n_sentences++] = tokens->n_words;
        } else if (fold == APOSTROPHE) {
            if (reader.held == 2)
                end_word(tokens, &reader);
            reader.held = 1;
        }
    }
    end_word(tokens, &reader);
    return DONE;
}

/* Replace the content of `tokens` by the words and sentences of a text. */
static int tokenise(Tokens *tokens, const Text *text, unsigned prefix)
{
    tokens->n_words = 0;
    tokens->n_sentences = 1;
    size_t words = text->length / 2 + 1; /* a word takes a character, and another keeps it from the next */
    if (reserve(&tokens->codes, &tokens->room_codes, text->length + 1, sizeof(uint32_t))
        || reserve(&tokens->words, &tokens->room_words, words, sizeof(Word))
        || reserve(&tokens->sentences, &tokens->room_sentences, words / SENTENCE_WORDS + 2, sizeof(size_t)))
        return NO_MEMORY;
    tokens->sentences[0] = 0;
    int result;
    if (text->kind == PyUnicode_1BYTE_KIND)
        result = tokenise_kind(tokens, text, PyUnicode_1BYTE_KIND, prefix);
    else if (text->kind == PyUnicode_2BYTE_KIND)
        result = tokenise_kind(tokens, text, PyUnicode_2BYTE_KIND, prefix);
    else
        result = tokenise_kind(tokens, text, PyUnicode_4BYTE_KIND, prefix);
    if (tokens->n_sentences > 1
        && tokens->n_words - tokens->sentences[tokens->n_sentences - 1] < SENTENCE_WORDS)
        tokens->n_sentences--;
    return result;
}

static inline size_t sentence_end(const Tokens *tokens, size_t sentence)
{
    return sentence + 1 < tokens->n_sentences ? tokens->sentences[sentence + 1] : tokens->n_words;
}

#endif
