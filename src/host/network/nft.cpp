#include "host/network/nft.hpp"

#include <dlfcn.h>
#include <nftables/libnftables.h>

#include <mutex>

namespace nubecita::host {
namespace {

struct Library {
  decltype(&nft_ctx_new) make = nullptr;
  decltype(&nft_ctx_free) free = nullptr;
  decltype(&nft_ctx_buffer_output) buffer_output = nullptr;
  decltype(&nft_ctx_buffer_error) buffer_error = nullptr;
  decltype(&nft_ctx_get_error_buffer) error = nullptr;
  decltype(&nft_run_cmd_from_buffer) run = nullptr;
  std::string missing;

  Library() {
    void* so = ::dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
    auto get = [&](auto& f, const char* name) {
      f = so ? reinterpret_cast<std::remove_reference_t<decltype(f)>>(::dlsym(so, name)) : nullptr;
      if (!f && missing.empty()) missing = name;
    };
    get(make, "nft_ctx_new");
    get(free, "nft_ctx_free");
    get(buffer_output, "nft_ctx_buffer_output");
    get(buffer_error, "nft_ctx_buffer_error");
    get(error, "nft_ctx_get_error_buffer");
    get(run, "nft_run_cmd_from_buffer");
  }
};

}  // namespace

Status run_nft(const std::string& commands) {
  static std::mutex one_at_a_time;  // the library keeps some of its state in globals
  std::lock_guard lock(one_at_a_time);
  static const Library nft;
  if (!nft.missing.empty())
    return fail("NetworkUnavailable", "libnftables.so.1 is missing: install the package libnftables1", 500);
  auto* context = nft.make(NFT_CTX_DEFAULT);
  if (!context) return fail("NetworkUnavailable", "libnftables cannot be started", 500);
  nft.buffer_output(context);
  nft.buffer_error(context);
  const int failed = nft.run(context, commands.c_str());
  std::string words = failed ? nft.error(context) : "";
  nft.free(context);
  if (!failed) return {};
  if (words.size() > 600) words = words.substr(0, 600) + "...";
  return fail("NetworkUnavailable", "nftables refused the rules: " + words, 500);
}

}  // namespace nubecita::host
