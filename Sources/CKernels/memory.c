#include "apus_memory.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

void apus_advise_large_pages(void *address, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(address, bytes, MADV_HUGEPAGE);
#else
    (void)address;
    (void)bytes;
#endif
}
