/* Folding of code points, by pages of 256 that the reference in Python fills when they are first met: the kernel
   has no table of its own, so it cannot disagree with the reference about a character. */
#ifndef TOPICS_FOLD_H
#define TOPICS_FOLD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define N_PAGES 0x1100
#define PAGE_SIZE 256
#define PAGE_OF(code) ((code) >> 8)
#define PLACE_OF(code) ((code) & 0xFF)

/* What a code point folds to: one of the first three, one code point, or (SEVERAL | length << 20 | place) code
   points in the page's pool. The numbers are those of `folding.page` in Python. */
enum { DROPPED = 0, SEPARATOR = 1, APOSTROPHE = 2, FIRST_CODE = 32 };
#define SEVERAL 0x80000000u
#define SEVERAL_LENGTH(fold) (((fold) >> 20) & 0x7FF)
#define SEVERAL_PLACE(fold) ((fold) & 0xFFFFF)

/* What a code point is to the sentence rule. A code point that ends a sentence is always a separator. */
enum { ENDS = 1, CLOSES = 2, SPACE = 4 };

typedef struct {
    uint32_t folds[PAGE_SIZE];
    uint8_t roles[PAGE_SIZE];
    uint32_t pool[]; /* in steps of what the page needs */
} Page;

static Page *pages[N_PAGES];

/* Results of a step that runs without the GIL: done, no memory, or (1 + page) that has to be filled first. */
enum { DONE = 0, NO_MEMORY = -1 };

static inline const Page *page_at(uint32_t number)
{
    return __atomic_load_n(&pages[number], __ATOMIC_ACQUIRE);
}

/* Fill a page from fill(number) -> (folds, roles, pool), as bytes; needs the GIL. */
static int fill_page(PyObject *fill, uint32_t number)
{
    if (page_at(number))
        return 0;
    PyObject *found = PyObject_CallFunction(fill, "I", (unsigned)number);
    if (!found)
        return -1;
    const char *folds, *roles, *pool;
    Py_ssize_t n_folds, n_roles, n_pool;
    Page *page = NULL;
    if (!PyArg_ParseTuple(found, "y#y#y#", &folds, &n_folds, &roles, &n_roles, &pool, &n_pool))
        goto out;
    if (n_folds != PAGE_SIZE * sizeof(uint32_t) || n_roles != PAGE_SIZE || n_pool % sizeof(uint32_t)) {
        PyErr_SetString(PyExc_ValueError, "a page of foldings has another form");
        goto out;
    }
    page = PyMem_RawMalloc(sizeof(Page) + (size_t)n_pool);
    if (!page) {
        PyErr_NoMemory();
        goto out;
    }
    memcpy(page->folds, folds, (size_t)n_folds);
    memcpy(page->roles, roles, PAGE_SIZE);
    memcpy(page->pool, pool, (size_t)n_pool);
    for (int i = 0; i < PAGE_SIZE; i++) {
        uint32_t fold = page->folds[i];
        int outside = fold >= SEVERAL
            && (SEVERAL_PLACE(fold) + SEVERAL_LENGTH(fold)) * sizeof(uint32_t) > (size_t)n_pool;
        int ends_inside = (page->roles[i] & ENDS) && fold != SEPARATOR;
        if (outside || ends_inside) {
            PyErr_SetString(PyExc_ValueError, "a page of foldings contradicts itself");
            PyMem_RawFree(page);
            page = NULL;
            goto out;
        }
    }
    if (page_at(number)) /* another thread was faster while `fill` ran */
        PyMem_RawFree(page);
    else
        __atomic_store_n(&pages[number], page, __ATOMIC_RELEASE);
out:
    Py_DECREF(found);
    return page ? 0 : -1;
}

#endif
