/* pipeline.text._kernel: count and score texts without the GIL. The specification is in pipeline/text/tokenizer.py. */
#include "learn.h"
#include "matrix.h"
#include "score.h"

/* The texts of one call; `held` keeps every str alive while the GIL is released. */
typedef struct {
    PyObject *held;
    Text *texts;
    size_t n;
} Texts;

static int take_texts(PyObject *sequence, Texts *texts)
{
    texts->texts = NULL;
    texts->held = PySequence_Tuple(sequence); /* the caller's list could change meanwhile */
    if (!texts->held)
        return -1;
    texts->n = (size_t)PyTuple_GET_SIZE(texts->held);
    texts->texts = PyMem_RawMalloc((texts->n + 1) * sizeof(Text));
    if (!texts->texts) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < texts->n; i++) {
        PyObject *text = PyTuple_GET_ITEM(texts->held, (Py_ssize_t)i);
        if (!PyUnicode_Check(text)) {
            PyErr_Format(PyExc_TypeError, "a text must be a str, not %.100s", Py_TYPE(text)->tp_name);
            return -1;
        }
        if (PyUnicode_READY(text))
            return -1;
        texts->texts[i]
            = (Text){PyUnicode_DATA(text), (size_t)PyUnicode_GET_LENGTH(text), (int)PyUnicode_KIND(text)};
    }
    return 0;
}

static void drop_texts(Texts *texts)
{
    PyMem_RawFree(texts->texts);
    Py_XDECREF(texts->held);
}

/* Turn the result of a step without the GIL into a filled page (0: go on) or an exception (-1). */
static int settle(int result, PyObject *fold)
{
    if (result == NO_MEMORY) {
        PyErr_NoMemory();
        return -1;
    }
    return result == DONE ? 0 : fill_page(fold, (uint32_t)result - 1);
}

typedef struct {
    PyObject_HEAD
    PyObject *fold;
    Analysis analysis;
    Table table;
    Tokens tokens; /* working memory, kept for the next call; a call that finds it taken makes its own */
    Counts counts;
    int taken;
} Vocabulary;

typedef struct {
    Tokens tokens;
    Counts counts;
} Work;

static Work take_work(Vocabulary *self)
{
    Work work = {{0}, {0}};
    if (!self->taken) {
        work = (Work){self->tokens, self->counts};
        self->tokens = (Tokens){0};
        self->counts = (Counts){0};
    }
    self->taken = 1;
    return work;
}

static void give_work(Vocabulary *self, Work *work)
{
    free_tokens(&self->tokens);
    free_counts(&self->counts);
    self->tokens = work->tokens;
    self->counts = work->counts;
    self->taken = 0;
}

/* The key of a term as it is written; `end` is its end. */
static uint64_t written_key(const Text *text, size_t from, size_t end)
{
    uint64_t hash = FACTOR, ngram = 0;
    int words = 0;
    for (size_t i = from; i < end; i++) {
        uint32_t code = code_at(text, text->kind, i);
        if (code == '*')
            return PREFIX_KEY(hash);
        if (code != ' ') {
            hash = step(hash, code);
            continue;
        }
        ngram = words++ ? NGRAM(ngram, hash) : hash;
        hash = FACTOR;
    }
    return WORD_KEY(words ? NGRAM(ngram, hash) : hash);
}

static int insert_terms(Vocabulary *self, const Text *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->length; i++)
        n += code_at(text, text->kind, i) == '\n';
    n += text->length > 0;
    if (n >= INT32_MAX || make_table(&self->table, n)) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t from = 0, end; from < text->length; from = end + 1) {
        for (end = from; end < text->length && code_at(text, text->kind, end) != '\n';)
            end++;
        if (insert(&self->table, written_key(text, from, end)) == UNKNOWN) {
            PyErr_Format(PyExc_ValueError, "term %u has the hash of another", (unsigned)self->table.n);
            return -1;
        }
    }
    return 0;
}

static void Vocabulary_dealloc(Vocabulary *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->fold);
    free_table(&self->table);
    free_tokens(&self->tokens);
    free_counts(&self->counts);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

#define MAX_NGRAM 4
#define MAX_PREFIX 255

static int refuse_analysis(unsigned ngrams, unsigned prefix)
{
    if (ngrams >= 1 && ngrams <= MAX_NGRAM && prefix <= MAX_PREFIX)
        return 0;
    PyErr_Format(PyExc_ValueError, "n-grams of %u words and prefixes of %u letters, expected 1 to %d and 0 to %d",
        ngrams, prefix, MAX_NGRAM, MAX_PREFIX);
    return -1;
}

static PyObject *Vocabulary_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"terms", "fold", "ngrams", "prefix", NULL};
    PyObject *terms, *fold;
    unsigned ngrams, prefix;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "UOII", names, &terms, &fold, &ngrams, &prefix))
        return NULL;
    if (refuse_analysis(ngrams, prefix))
        return NULL;
    Vocabulary *self = (Vocabulary *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->fold = Py_NewRef(fold);
    self->analysis = (Analysis){ngrams, prefix};
    Text text = {PyUnicode_DATA(terms), (size_t)PyUnicode_GET_LENGTH(terms), (int)PyUnicode_KIND(terms)};
    if (insert_terms(self, &text)) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* Score the texts from `*done` on; stop early where a page is missing. */
static int score_texts(Vocabulary *self, Work *work, const Texts *texts, const Linear *linear, double *sums,
    double *whole, double *best, uint8_t *known, size_t *done)
{
    for (; *done < texts->n; ++*done) {
        int result = tokenise(&work->tokens, &texts->texts[*done], self->analysis.prefix);
        if (result == DONE)
            result = score_text(&work->counts, &work->tokens, &self->table, self->analysis, linear, sums,
                whole + *done * linear->k, best + *done * linear->k, known + *done);
        if (result != DONE)
            return result;
    }
    return DONE;
}

static int run_score(
    Vocabulary *self, const Texts *texts, const Linear *linear, double *whole, double *best, uint8_t *known)
{
    double *sums = PyMem_RawMalloc((linear->k + 1) * sizeof(double));
    if (!sums) {
        PyErr_NoMemory();
        return -1;
    }
    Work work = take_work(self);
    size_t done = 0;
    int status = 0;
    while (!status && done < texts->n) {
        int result;
        Py_BEGIN_ALLOW_THREADS
        result = score_texts(self, &work, texts, linear, sums, whole, best, known, &done);
        Py_END_ALLOW_THREADS
        status = settle(result, self->fold);
    }
    give_work(self, &work);
    PyMem_RawFree(sums);
    return status;
}

PyDoc_STRVAR(score_doc,
    "score(texts, rows, sublinear, oov_mass, slope, constant, whole, best, known)\n\n"
    "Write the sums of n texts and of their best sentences into whole and best (float64 [n, k]), and whether a term\n"
    "is known into known (bool [n]). ValueError where an array does not fit, or a divisor could be 0 or less.");

/* Say in a ValueError what is wrong with the arguments; 0 where nothing is. */
static int refuse_score(const Linear *linear, const Py_buffer *rows, const Py_buffer *whole, const Py_buffer *best,
    const Py_buffer *known, size_t n_texts, size_t n_terms)
{
    size_t width = linear->doubles ? sizeof(double) : sizeof(float), sums = n_texts * linear->k * sizeof(double);
    if ((size_t)whole->len != sums || (size_t)best->len != sums || (size_t)known->len != n_texts
        || (n_texts && (size_t)rows->len != n_terms * (linear->k + 1) * width) || (uintptr_t)rows->buf % width
        || (uintptr_t)whole->buf % sizeof(double) || (uintptr_t)best->buf % sizeof(double))
        PyErr_SetString(PyExc_ValueError, "the arrays do not fit the texts and the terms");
    else if (!(linear->oov_mass >= 0 && linear->slope >= 0 && linear->constant >= 0
                 && linear->slope + linear->constant > 0))
        PyErr_SetString(PyExc_ValueError, "oov_mass, slope and constant must be 0 or more, and the divisor above 0");
    else
        return 0;
    return -1;
}

static PyObject *Vocabulary_score(Vocabulary *self, PyObject *args)
{
    PyObject *sequence, *result = NULL;
    Py_buffer rows, whole, best, known;
    Linear linear;
    Texts texts;
    if (!PyArg_ParseTuple(args, "Oy*pdddw*w*w*", &sequence, &rows, &linear.sublinear, &linear.oov_mass,
            &linear.slope, &linear.constant, &whole, &best, &known))
        return NULL;
    if (take_texts(sequence, &texts))
        goto out;
    linear.rows = rows.buf;
    linear.k = texts.n ? (size_t)whole.len / sizeof(double) / texts.n : 0;
    linear.doubles = (size_t)rows.len == self->table.n * (linear.k + 1) * sizeof(double);
    if (!refuse_score(&linear, &rows, &whole, &best, &known, texts.n, self->table.n)
        && !run_score(self, &texts, &linear, whole.buf, best.buf, known.buf))
        result = Py_NewRef(Py_None);
out:
    drop_texts(&texts);
    PyBuffer_Release(&rows);
    PyBuffer_Release(&whole);
    PyBuffer_Release(&best);
    PyBuffer_Release(&known);
    return result;
}

typedef struct {
    Matrix sentences, wholes;
    int64_t *starts;
    size_t room_starts;
} Counted;

static int count_texts(Vocabulary *self, Work *work, const Texts *texts, Counted *counted, size_t *done)
{
    for (; *done < texts->n; ++*done) {
        int result = tokenise(&work->tokens, &texts->texts[*done], self->analysis.prefix);
        if (result == DONE)
            result = add_text(&counted->sentences, &counted->wholes, &work->counts, &work->tokens, &self->table,
                self->analysis);
        if (result != DONE)
            return result;
        counted->starts[*done + 1] = (int64_t)counted->sentences.n_rows;
    }
    return DONE;
}

static PyObject *matrix_arrays(const Matrix *matrix)
{
    static const int32_t empty = 0;
    return Py_BuildValue("(y#y#y#y#)", matrix->n_data ? (char *)matrix->data : "",
        (Py_ssize_t)(matrix->n_data * sizeof(double)), matrix->n_data ? (char *)matrix->indices : "",
        (Py_ssize_t)(matrix->n_data * sizeof(int32_t)), matrix->indptr ? (char *)matrix->indptr : (char *)&empty,
        (Py_ssize_t)((matrix->n_rows + 1) * sizeof(int32_t)), matrix->n_rows ? (char *)matrix->oov : "",
        (Py_ssize_t)(matrix->n_rows * sizeof(double)));
}

PyDoc_STRVAR(count_doc, "count(texts) -> (sentences, wholes, starts)\n\n"
    "Count terms in n texts: two tuples of bytes (data, indices, indptr, oov), and bytes of int64 [n + 1].");

static PyObject *Vocabulary_count(Vocabulary *self, PyObject *sequence)
{
    Texts texts;
    Counted counted = {0};
    PyObject *result = NULL;
    if (take_texts(sequence, &texts))
        goto out;
    counted.starts = PyMem_RawCalloc(texts.n + 1, sizeof(int64_t));
    int status = counted.starts ? 0 : settle(NO_MEMORY, NULL);
    Work work = take_work(self);
    size_t done = 0;
    while (!status && done < texts.n) {
        int step_result;
        Py_BEGIN_ALLOW_THREADS
        step_result = count_texts(self, &work, &texts, &counted, &done);
        Py_END_ALLOW_THREADS
        status = settle(step_result, self->fold);
    }
    give_work(self, &work);
    if (!status) {
        PyObject *sentences = matrix_arrays(&counted.sentences), *wholes = matrix_arrays(&counted.wholes);
        if (sentences && wholes)
            result = Py_BuildValue("(OOy#)", sentences, wholes, (char *)counted.starts,
                (Py_ssize_t)((texts.n + 1) * sizeof(int64_t)));
        Py_XDECREF(sentences);
        Py_XDECREF(wholes);
    }
out:
    drop_texts(&texts);
    free_matrix(&counted.sentences);
    free_matrix(&counted.wholes);
    PyMem_RawFree(counted.starts);
    return result;
}

static int learn_texts(Learned *learned, Tokens *tokens, const Texts *texts, Analysis analysis, size_t *done)
{
    for (; *done < texts->n; ++*done) {
        int result = tokenise(tokens, &texts->texts[*done], analysis.prefix);
        if (result == DONE)
            result = learn_text(learned, tokens, analysis, (uint32_t)*done);
        if (result != DONE)
            return result;
    }
    return DONE;
}

static int run_learn(Learned *learned, const Texts *texts, Analysis analysis, unsigned least, PyObject *fold,
    PyObject *terms)
{
    Tokens tokens = {0};
    size_t done = 0;
    int status = make_table(&learned->table, 1 << 16) ? settle(NO_MEMORY, NULL) : 0;
    while (!status && done < texts->n) {
        int result;
        Py_BEGIN_ALLOW_THREADS
        result = learn_texts(learned, &tokens, texts, analysis, &done);
        Py_END_ALLOW_THREADS
        status = settle(result, fold);
    }
    for (size_t i = 0; !status && i < texts->n; i++) {
        status = settle(tokenise(&tokens, &texts->texts[i], analysis.prefix), fold);
        if (!status)
            status = list_text(learned, &tokens, analysis, least, terms);
    }
    free_tokens(&tokens);
    return status;
}

PyDoc_STRVAR(learn_doc, "learn(texts, fold, ngrams, prefix, min_df) -> list[str]\n\n"
    "List the terms that are in at least min_df of the texts, in order of first occurrence.");

static PyObject *learn(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *sequence, *fold;
    unsigned ngrams, prefix, least;
    if (!PyArg_ParseTuple(args, "OOIII", &sequence, &fold, &ngrams, &prefix, &least))
        return NULL;
    if (refuse_analysis(ngrams, prefix))
        return NULL;
    Texts texts;
    Learned learned = {0};
    PyObject *terms = PyList_New(0);
    int status = !terms || take_texts(sequence, &texts) ? -1 : 0;
    if (!status)
        status = run_learn(&learned, &texts, (Analysis){ngrams, prefix}, least, fold, terms);
    if (terms)
        drop_texts(&texts);
    free_learned(&learned);
    if (status)
        Py_CLEAR(terms);
    return terms;
}

static PyMethodDef Vocabulary_methods[] = {
    {"score", (PyCFunction)Vocabulary_score, METH_VARARGS, score_doc},
    {"count", (PyCFunction)Vocabulary_count, METH_O, count_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(Vocabulary_doc, "Vocabulary(terms, fold, ngrams, prefix)\n\n"
    "The known terms, joined by line ends. ValueError where two have one hash.");

static PyType_Slot Vocabulary_slots[] = {
    {Py_tp_doc, (void *)Vocabulary_doc},
    {Py_tp_new, Vocabulary_new},
    {Py_tp_dealloc, Vocabulary_dealloc},
    {Py_tp_methods, Vocabulary_methods},
    {0, NULL},
};

static PyType_Spec Vocabulary_spec = {"pipeline.text._kernel.Vocabulary", sizeof(Vocabulary), 0, Py_TPFLAGS_DEFAULT, Vocabulary_slots};

static int fill_module(PyObject *module)
{
    make_logs();
    PyObject *type = PyType_FromSpec(&Vocabulary_spec);
    int result = type ? PyModule_AddObjectRef(module, "Vocabulary", type) : -1;
    Py_XDECREF(type);
    return result;
}

static PyMethodDef functions[] = {
    {"learn", learn, METH_VARARGS, learn_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill_module},
    {0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "pipeline.text._kernel",
    .m_doc = "Count and score texts, compiled.",
    .m_size = 0,
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}
