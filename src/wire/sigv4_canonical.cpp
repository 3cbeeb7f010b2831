#include "wire/sigv4_canonical.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

namespace nubecita::wire {
namespace {

// --- hashing, with contexts that are made once per thread ---

struct Hasher {
  EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* mac_ctx = mac ? EVP_MAC_CTX_new(mac) : nullptr;
  Hasher() {
    if (!md || !ctx || !mac_ctx) throw std::runtime_error("OpenSSL has no SHA-256");
    char name[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    if (!EVP_MAC_CTX_set_params(mac_ctx, params)) throw std::runtime_error("OpenSSL has no HMAC");
  }
  ~Hasher() {
    EVP_MAC_CTX_free(mac_ctx);
    EVP_MAC_free(mac);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
  }
};
Hasher& hasher() {
  thread_local Hasher h;
  return h;
}

}  // namespace

Digest sha256_digest(std::string_view bytes) {
  auto& h = hasher();
  Digest d;
  unsigned n = 0;
  if (!EVP_DigestInit_ex(h.ctx, h.md, nullptr) || !EVP_DigestUpdate(h.ctx, bytes.data(), bytes.size()) ||
      !EVP_DigestFinal_ex(h.ctx, reinterpret_cast<unsigned char*>(d.data()), &n))
    throw std::runtime_error("SHA-256 failed");
  return d;
}
Digest hmac_sha256(std::string_view key, std::string_view message) {
  auto& h = hasher();
  Digest d;
  size_t n = 0;
  if (!EVP_MAC_init(h.mac_ctx, reinterpret_cast<const unsigned char*>(key.data()), key.size(), nullptr) ||
      !EVP_MAC_update(h.mac_ctx, reinterpret_cast<const unsigned char*>(message.data()), message.size()) ||
      !EVP_MAC_final(h.mac_ctx, reinterpret_cast<unsigned char*>(d.data()), &n, d.size()))
    throw std::runtime_error("HMAC failed");
  return d;
}

bool same_bytes(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// The derived key changes once a day per key, region and service; four HMACs saved on every request after the
// first.
Digest signing_key(std::string_view access_key, std::string_view secret, std::string_view date,
                   std::string_view region, std::string_view service) {
  struct Entry {
    std::string secret;
    Digest key;
  };
  thread_local std::unordered_map<std::string, Entry> cache;
  thread_local std::string name;
  name.assign(access_key).append(" ").append(date).append(" ").append(region).append(" ").append(service);
  if (auto it = cache.find(name); it != cache.end() && same_bytes(it->second.secret, secret))
    return it->second.key;
  std::string first = "AWS4";
  first.append(secret);
  Digest k = hmac_sha256(first, date);
  k = hmac_sha256(view(k), region);
  k = hmac_sha256(view(k), service);
  k = hmac_sha256(view(k), "aws4_request");
  if (cache.size() >= 256) cache.clear();
  cache[name] = {std::string(secret), k};
  return k;
}

// --- the canonical request ---

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool same_name(std::string_view sent, std::string_view name) {
  if (sent.size() != name.size()) return false;
  for (size_t i = 0; i < sent.size(); ++i) {
    char c = sent[i] >= 'A' && sent[i] <= 'Z' ? static_cast<char>(sent[i] + 32) : sent[i];
    if (c != name[i]) return false;
  }
  return true;
}

namespace {

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}
void encode_byte(std::string& out, char c) {
  static constexpr char hex[] = "0123456789ABCDEF";
  auto u = static_cast<unsigned char>(c);
  out += '%';
  out += hex[u >> 4];
  out += hex[u & 15];
}
void encode(std::string& out, std::string_view text, bool keep_slash) {
  for (char c : text) {
    if (unreserved(c) || (keep_slash && c == '/'))
      out += c;
    else
      encode_byte(out, c);
  }
}
// However the client has encoded it: decoded once, encoded in the one canonical way.
void recode(std::string& out, std::string_view text, bool keep_slash, bool plus_is_blank) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      char decoded = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
      if (unreserved(decoded))
        out += decoded;
      else
        encode_byte(out, decoded);  // an encoded slash stays encoded
    } else if (c == '+' && plus_is_blank) {
      out += "%20";
    } else if (unreserved(c) || (keep_slash && c == '/')) {
      out += c;
    } else {
      encode_byte(out, c);
    }
  }
}

// RFC 3986 remove_dot_segments, and empty segments collapse; a trailing slash stays.
std::string normalized(std::string_view path) {
  std::vector<std::string_view> parts;
  bool slash_at_end = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  while (!path.empty()) {
    auto part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    parts.push_back(part);
  }
  std::string out;
  for (auto p : parts) out.append("/").append(p);
  if (out.empty() || slash_at_end) out += '/';
  return out;
}

void canonical_path(std::string& out, std::string_view path, bool s3) {
  if (path.empty()) path = "/";
  if (s3) return recode(out, path, true, false);
  if (path == "/") {
    out += '/';
    return;
  }
  encode(out, normalized(path), true);  // what is encoded already is encoded again: AWS's rule for all but S3
}

void canonical_query(std::string& out, std::string_view query, bool presigned) {
  if (query.empty()) return;
  std::vector<std::pair<std::string, std::string>> all;
  while (!query.empty()) {
    auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    auto eq = part.find('=');
    std::string name, value;
    recode(name, part.substr(0, eq), false, true);
    if (presigned && name == "X-Amz-Signature") continue;
    if (eq != std::string_view::npos) recode(value, part.substr(eq + 1), false, true);
    all.emplace_back(std::move(name), std::move(value));
  }
  std::sort(all.begin(), all.end());
  bool first = true;
  for (auto& [n, v] : all) {
    if (!first) out += '&';
    first = false;
    out.append(n).append("=").append(v);
  }
}

void append_folded(std::string& out, std::string_view value) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  bool blank = false;
  for (char c : value) {
    if (c == ' ' || c == '\t') {
      blank = true;
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    out += c;
  }
}

void canonical_headers(std::string& out, const RawRequest& request, std::string_view names) {
  while (!names.empty()) {
    auto name = names.substr(0, names.find(';'));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    out.append(name).append(":");
    bool first = true;
    for (auto& [n, v] : request.headers) {
      if (!same_name(n, name)) continue;
      if (!first) out += ',';
      first = false;
      append_folded(out, v);
    }
    out += '\n';
  }
}

}  // namespace

void build_canonical(std::string& out, const RawRequest& r, const SignedRequest& c,
                     std::string_view payload_hash) {
  const bool s3 = c.service == "s3" || c.service == "s3express" || c.service == "s3-object-lambda";
  out.clear();
  out.append(r.method).append("\n");
  canonical_path(out, r.path, s3);
  out += '\n';
  canonical_query(out, r.query, c.presigned);
  out += '\n';
  canonical_headers(out, r, c.signed_headers);
  out.append("\n").append(c.signed_headers).append("\n").append(payload_hash);
}

void hex_of(const Digest& d, char* out) {
  static constexpr char hex[] = "0123456789abcdef";
  for (size_t i = 0; i < d.size(); ++i) {
    auto u = static_cast<unsigned char>(d[i]);
    out[2 * i] = hex[u >> 4];
    out[2 * i + 1] = hex[u & 15];
  }
}

void string_to_sign(std::string& out, std::string_view canonical, const SignedRequest& c) {
  char digest[64];
  hex_of(sha256_digest(canonical), digest);
  out.assign(kAlgorithm)
      .append("\n")
      .append(c.amz_date)
      .append("\n")
      .append(c.date)
      .append("/")
      .append(c.region)
      .append("/")
      .append(c.service)
      .append("/aws4_request\n")
      .append(digest, sizeof digest);
}

}  // namespace nubecita::wire
