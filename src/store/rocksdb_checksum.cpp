// RocksDB's CRC-32C, which guards its log and blob files, as the processor computes it: Debian builds RocksDB
// for processors without the instruction, at a fifteenth of the speed (a twentieth to a tenth of the CPU of
// storing a small object). The linker gives RocksDB this function for its own (`--wrap`,
// cmake/libraries.cmake); the values are the same, so files are read with either.
#include <cstddef>
#include <cstdint>

#include "base/crc.hpp"

// NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's name for it
extern "C" uint32_t __wrap__ZN7rocksdb6crc32c6ExtendEjPKcm(uint32_t crc, const char* bytes, size_t size) {
  return nubecita::crc32c(crc, {bytes, size});
}
