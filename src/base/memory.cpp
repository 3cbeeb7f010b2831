#include "base/memory.hpp"

#include <malloc.h>
#include <unistd.h>

// jemalloc's, where it is linked.
extern "C" {
__attribute__((weak)) int mallctl(const char* name, void* old, size_t* old_size, void* now, size_t now_size);
// Few arenas, because idle memory is a promise; what is freed goes back after a second of use.
// https://jemalloc.net/jemalloc.3.html#tuning
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

namespace nubecita {

size_t memory_of_the_machine() {
  return static_cast<size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

void give_back_memory() {
  if (!mallctl) {
    malloc_trim(0);
    return;
  }
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL
}

}  // namespace nubecita
