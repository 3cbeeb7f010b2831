#include "base/memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <span>

// jemalloc's, where it is linked.
extern "C" {
__attribute__((weak)) int mallctl(const char* name, void* old, size_t* old_size, void* now, size_t now_size);
// Few arenas, because idle memory is a promise; what is freed goes back after a second of use.
// https://jemalloc.net/jemalloc.3.html#tuning
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

namespace nubecita {
namespace {

// Code and constants that were used count as ours. What is needed again comes from the page cache.
void give_back_code() {
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void*) {
        const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
        for (const auto& part : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
          if (part.p_type != PT_LOAD || (part.p_flags & PF_W)) continue;  // what was relocated must stay
          const uintptr_t begin = (object->dlpi_addr + part.p_vaddr + page - 1) / page * page;
          const uintptr_t end = (object->dlpi_addr + part.p_vaddr + part.p_memsz) / page * page;
          if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
        }
        return 0;
      },
      nullptr);
}

}  // namespace

size_t memory_of_the_machine() {
  return static_cast<size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

void give_back_memory() {
  give_back_code();
  if (!mallctl) {
    malloc_trim(0);
    return;
  }
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL
}

}  // namespace nubecita
