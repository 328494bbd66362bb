// Memory that is streamed through.
#pragma once

#include <stddef.h>

/// Asks the system for large pages behind `bytes` bytes at `address`, where it has them: with pages of 4 KiB, looking
/// up addresses and restarting the processor's prefetching take half of a memory's bandwidth. Only a hint.
void apus_advise_large_pages(void *address, size_t bytes);
