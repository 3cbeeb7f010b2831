// The process's allocator. Programs that serve are linked with jemalloc (`nubecita_allocator` in
// cmake/libraries.cmake): what one thread allocates another often frees, for which glibc's takes a lock, a
// fifth to a quarter of the CPU of a small write. Tests and sanitizers go without.
#pragma once

#include <cstddef>

namespace nubecita {

/// Bytes of physical memory, free or not.
size_t memory_of_the_machine();

/// Gives memory that nobody uses back to the machine, the program's code and constants too: after work that
/// is over, not in the middle of it (it costs up to milliseconds). Any thread.
void give_back_memory();

}  // namespace nubecita
