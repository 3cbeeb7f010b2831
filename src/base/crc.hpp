// The cyclic redundancy checks that S3 knows and the store uses: CRC-32 (ISO-HDLC), CRC-32C (Castagnoli),
// CRC-64/NVME. Values are those of the finished check; extending starts from 0. Pure functions, any thread.
// By carry-less multiplication where the processor has it.
#pragma once

#include <cstdint>
#include <string_view>

namespace nubecita {

uint32_t crc32(uint32_t crc, std::string_view bytes);
uint32_t crc32c(uint32_t crc, std::string_view bytes);
uint64_t crc64nvme(uint64_t crc, std::string_view bytes);

enum class Crc { crc32, crc32c, crc64nvme };
/// The check of a followed by b, of their checks and b's length.
uint64_t crc_combine(Crc kind, uint64_t a, uint64_t b, uint64_t b_size);

}  // namespace nubecita
