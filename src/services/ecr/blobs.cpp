#include "services/ecr/blobs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>

#include "base/ids.hpp"

namespace nubecita::ecr {
namespace {

std::array<std::mutex, 64> stripes;

std::mutex busy_mutex;
std::set<std::string> busy_uploads;

std::mutex hash_mutex;
std::map<std::string, std::shared_ptr<UploadHash>> hashes;
std::map<std::string, std::string> finished;  // upload to digest
constexpr size_t kRemembered = 256;

std::unexpected<ApiError> storage(const std::string& what) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return fail("BlobStorageFailed",
              what + ": " + std::strerror(errno) + (full ? ". Make room and push again." : "."),
              full ? 507 : 500);
}

bool make_directories(const std::string& path) {
  for (size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at + 1);
    if (::mkdir(path.substr(0, at).c_str(), 0700) && errno != EEXIST) return false;
  }
  return true;
}

bool sync_directory(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool good = !::fsync(fd);
  ::close(fd);
  return good;
}

std::string hash_file(int fd, const EVP_MD* md) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!ctx || !EVP_DigestInit_ex(ctx.get(), md, nullptr)) throw std::runtime_error("no digest");
  std::string buffer(256 * 1024, '\0');
  for (off_t at = 0;;) {
    auto n = ::pread(fd, buffer.data(), buffer.size(), at);
    if (n < 0) return {};
    if (n == 0) break;
    EVP_DigestUpdate(ctx.get(), buffer.data(), static_cast<size_t>(n));
    at += n;
  }
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(ctx.get(), out, &size);
  return to_hex({reinterpret_cast<char*>(out), size});
}

int64_t written(const struct stat& s) { return s.st_mtim.tv_sec * 1000LL + s.st_mtim.tv_nsec / 1'000'000; }

template <class F>
void entries(const std::string& path, F visit) {
  DIR* d = ::opendir(path.c_str());
  if (!d) return;
  while (auto* e = ::readdir(d))
    if (e->d_name[0] != '.') visit(std::string(e->d_name));
  ::closedir(d);
}

}  // namespace

std::string Blobs::path(std::string_view digest) const {
  auto hex = digest.substr(7);
  return root_ + "/" + std::string(digest.substr(0, 6)) + "/" + std::string(hex.substr(0, 2)) + "/" +
         std::string(hex);
}

int64_t Blobs::size(std::string_view digest) const {
  struct stat s;
  return ::stat(path(digest).c_str(), &s) ? -1 : s.st_size;
}

int Blobs::open(std::string_view digest) const { return ::open(path(digest).c_str(), O_RDONLY | O_CLOEXEC); }

std::unique_lock<std::mutex> Blobs::hold(std::string_view digest) {
  return std::unique_lock(stripes[std::hash<std::string_view>()(digest) % stripes.size()]);
}

Status Blobs::start(const std::string& id) const {
  if (!make_directories(root_ + "/uploads")) return storage("Cannot make " + root_ + "/uploads");
  int fd = ::open((root_ + "/uploads/" + id).c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return storage("Cannot begin an upload");
  ::close(fd);
  UploadHash::remember(id, std::make_shared<UploadHash>());
  return {};
}

int64_t Blobs::received(const std::string& id) const {
  struct stat s;
  return ::stat((root_ + "/uploads/" + id).c_str(), &s) ? -1 : s.st_size;
}

int Blobs::open_upload(const std::string& id) const {
  return ::open((root_ + "/uploads/" + id).c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
}

Result<int64_t> Blobs::finish(const std::string& id, std::string_view digest) const {
  const auto from = root_ + "/uploads/" + id;
  int fd = ::open(from.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return storage("Cannot read the upload");
  std::unique_ptr<int, void (*)(int*)> closer(&fd, [](int* f) { ::close(*f); });
  struct stat s;
  if (::fstat(fd, &s)) return storage("Cannot read the upload");
  auto streamed = UploadHash::of(id);
  std::string found;
  if (digest.starts_with("sha256:") && streamed && streamed->bytes() == static_cast<uint64_t>(s.st_size))
    found = streamed->digest();
  else
    found = std::string(digest.substr(0, 7)) +
            hash_file(fd, digest.starts_with("sha256:") ? EVP_sha256() : EVP_sha512());
  if (found != digest)
    return fail("InvalidDigest",
                "The uploaded bytes have the digest " + found + ", not " + std::string(digest) + ".");
  if (::fsync(fd)) return storage("Cannot write the layer to the disk");
  const auto to = path(digest);
  const auto directory = to.substr(0, to.rfind('/'));
  if (!make_directories(directory)) return storage("Cannot make " + directory);
  ::futimens(fd, nullptr);  // the sweep looks at the time
  if (::rename(from.c_str(), to.c_str())) return storage("Cannot move the layer to its place");
  // Both levels: the two-digit directory may be new.
  if (!sync_directory(directory) || !sync_directory(directory.substr(0, directory.rfind('/'))))
    return storage("Cannot write the layer to the disk");
  UploadHash::forget(id);
  std::lock_guard lock(hash_mutex);
  if (finished.size() >= kRemembered) finished.clear();
  finished[id] = digest;
  return s.st_size;
}

std::string Blobs::finished_as(const std::string& id) {
  std::lock_guard lock(hash_mutex);
  auto it = finished.find(id);
  return it == finished.end() ? std::string() : it->second;
}

void Blobs::discard(const std::string& id) const {
  UploadHash::forget(id);
  ::unlink((root_ + "/uploads/" + id).c_str());
}

void Blobs::each(const std::function<void(const std::string&, int64_t)>& visit) const {
  for (std::string algorithm : {"sha256", "sha512"})
    entries(root_ + "/" + algorithm, [&](const std::string& two) {
      entries(root_ + "/" + algorithm + "/" + two, [&](const std::string& hex) {
        struct stat s;
        if (!::stat((root_ + "/" + algorithm + "/" + two + "/" + hex).c_str(), &s))
          visit(algorithm + ":" + hex, written(s));
      });
    });
}

void Blobs::each_upload(const std::function<void(const std::string&, int64_t)>& visit) const {
  entries(root_ + "/uploads", [&](const std::string& id) {
    struct stat s;
    if (!::stat((root_ + "/uploads/" + id).c_str(), &s)) visit(id, written(s));
  });
}

void Blobs::remove(std::string_view digest) const { ::unlink(path(digest).c_str()); }

Blobs::Busy Blobs::Busy::claim(const std::string& id) {
  std::lock_guard lock(busy_mutex);
  return Busy(busy_uploads.insert(id).second ? id : std::string());
}
Blobs::Busy::~Busy() {
  if (id_.empty()) return;
  std::lock_guard lock(busy_mutex);
  busy_uploads.erase(id_);
}

UploadHash::UploadHash() : ctx_(EVP_MD_CTX_new()) {
  if (!ctx_ || !EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(ctx_), EVP_sha256(), nullptr))
    throw std::runtime_error("no SHA-256");
}
UploadHash::~UploadHash() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(ctx_)); }
void UploadHash::add(std::string_view bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(ctx_), bytes.data(), bytes.size());
  bytes_ += bytes.size();
}
std::string UploadHash::digest() const {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> copy(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  unsigned char out[32];
  unsigned n = 0;
  EVP_MD_CTX_copy_ex(copy.get(), static_cast<EVP_MD_CTX*>(ctx_));
  EVP_DigestFinal_ex(copy.get(), out, &n);
  return "sha256:" + to_hex({reinterpret_cast<char*>(out), n});
}
std::shared_ptr<UploadHash> UploadHash::of(const std::string& id) {
  std::lock_guard lock(hash_mutex);
  auto it = hashes.find(id);
  return it == hashes.end() ? nullptr : it->second;
}
void UploadHash::remember(const std::string& id, std::shared_ptr<UploadHash> hash) {
  std::lock_guard lock(hash_mutex);
  if (hashes.size() >= kRemembered)
    hashes.erase(hashes.begin());  // that upload's file is read at its end instead
  hashes[id] = std::move(hash);
}
void UploadHash::forget(const std::string& id) {
  std::lock_guard lock(hash_mutex);
  hashes.erase(id);
}

}  // namespace nubecita::ecr
