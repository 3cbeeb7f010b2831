#include "services/sqs/message.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "base/ids.hpp"

namespace nubecita::sqs {
namespace {

constexpr char kPlain = 1, kSealed = 2;  // versions

void put_u32(std::string& out, size_t v) {
  const char bytes[] = {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
                        static_cast<char>(v)};
  out.append(bytes, sizeof bytes);
}
void put_u64(std::string& out, uint64_t v) {
  put_u32(out, v >> 32);
  put_u32(out, v & 0xffffffff);
}
void put_text(std::string& out, std::string_view s) {
  put_u32(out, s.size());
  out += s;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  bool u64(int64_t& v) {
    uint64_t n = 0;
    for (int i = 0; i < 8; ++i) {
      if (left_.empty()) return false;
      n = n << 8 | static_cast<unsigned char>(left_[0]);
      left_.remove_prefix(1);
    }
    v = static_cast<int64_t>(n);
    return true;
  }
  bool u32(uint32_t& v) {
    if (left_.size() < 4) return false;
    v = 0;
    for (int i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(left_[static_cast<size_t>(i)]);
    left_.remove_prefix(4);
    return true;
  }
  bool view(std::string_view& s) {
    uint32_t n = 0;
    if (!u32(n) || n > left_.size()) return false;
    s = left_.substr(0, n);
    left_.remove_prefix(n);
    return true;
  }
  bool text(std::string& s) {
    std::string_view v;
    if (!view(v)) return false;
    s = v;
    return true;
  }
  bool byte(char& c) {
    if (left_.empty()) return false;
    c = left_[0];
    left_.remove_prefix(1);
    return true;
  }
  size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
};

bool read_head(Reader& in, Head& head, char& version) {
  return in.byte(version) && (version == kPlain || version == kSealed) && in.u64(head.sent) &&
         in.u64(head.available) && in.view(head.group);
}

class Md5 {
 public:
  Md5() : context_(EVP_MD_CTX_new()) {
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
    EVP_DigestInit_ex(context_, algorithm, nullptr);
  }
  ~Md5() { EVP_MD_CTX_free(context_); }
  Md5(const Md5&) = delete;
  Md5& operator=(const Md5&) = delete;
  void add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  void add_sized(std::string_view bytes) {
    std::string size;
    put_u32(size, bytes.size());
    add(size);
    add(bytes);
  }
  std::string hex() {
    unsigned char digest[16];
    EVP_DigestFinal_ex(context_, digest, nullptr);
    return to_hex({reinterpret_cast<char*>(digest), sizeof digest});
  }

 private:
  EVP_MD_CTX* context_;
};

// In the order in which they are written. Of an encrypted message, `contents` are sealed.
constexpr std::string Message::* kTexts[] = {
    &Message::id,           &Message::body,   &Message::body_md5, &Message::attributes_md5,
    &Message::trace_header, &Message::sender, &Message::dedup,    &Message::dead_letter_source};
constexpr std::string Message::* kOpenTexts[] = {&Message::id, &Message::sender,
                                                 &Message::dead_letter_source};
constexpr std::string Message::* kContents[] = {&Message::body, &Message::body_md5, &Message::attributes_md5,
                                                &Message::trace_header, &Message::dedup};
constexpr std::string Message::Sealed::* kSeal[] = {&Message::Sealed::key, &Message::Sealed::queue,
                                                    &Message::Sealed::bytes};

void put_attributes(std::string& out, const std::vector<Attribute>& attributes) {
  put_u32(out, attributes.size());
  for (auto& a : attributes)
    for (auto* s : {&a.name, &a.type, &a.value}) put_text(out, *s);
}

bool read_attributes(Reader& in, std::vector<Attribute>& attributes) {
  uint32_t n = 0;
  if (!in.u32(n) || n > in.left() / 12) return false;
  attributes.resize(n);
  for (auto& a : attributes)
    for (auto* s : {&a.name, &a.type, &a.value})
      if (!in.text(*s)) return false;
  return true;
}

}  // namespace

std::string encode_message(const Message& m) {
  const bool sealed = !m.sealed.bytes.empty();
  std::string out;
  out.reserve(200 + m.body.size() + m.sealed.bytes.size() + m.sealed.key.size());
  out += sealed ? kSealed : kPlain;
  put_u64(out, static_cast<uint64_t>(m.sent));
  put_u64(out, static_cast<uint64_t>(m.available));
  put_text(out, m.group);
  if (sealed) {
    for (auto text : kOpenTexts) put_text(out, m.*text);
    for (auto part : kSeal) put_text(out, m.sealed.*part);
    return out;
  }
  for (auto text : kTexts) put_text(out, m.*text);
  put_attributes(out, m.attributes);
  return out;
}

std::optional<Message> decode_message(std::string_view bytes) {
  Reader in(bytes);
  Head head;
  char version = 0;
  if (!read_head(in, head, version)) return {};
  Message m;
  m.sent = head.sent;
  m.available = head.available;
  m.group = head.group;
  if (version == kSealed) {
    for (auto text : kOpenTexts)
      if (!in.text(m.*text)) return {};
    for (auto part : kSeal)
      if (!in.text(m.sealed.*part)) return {};
    if (in.left() || m.sealed.bytes.empty()) return {};
    return m;
  }
  for (auto text : kTexts)
    if (!in.text(m.*text)) return {};
  if (!read_attributes(in, m.attributes) || in.left()) return {};
  return m;
}

std::string encode_contents(const Message& m) {
  std::string out;
  out.reserve(200 + m.body.size());
  for (auto text : kContents) put_text(out, m.*text);
  put_attributes(out, m.attributes);
  return out;
}

bool decode_contents(std::string_view bytes, Message& m) {
  Reader in(bytes);
  for (auto text : kContents)
    if (!in.text(m.*text)) return false;
  return read_attributes(in, m.attributes) && !in.left();
}

void clear_contents(Message& m) {
  for (auto text : kContents) (m.*text).clear();
  m.attributes.clear();
}

std::optional<Head> decode_head(std::string_view bytes) {
  Reader in(bytes);
  Head head;
  char version = 0;
  if (!read_head(in, head, version)) return {};
  return head;
}

std::string md5_hex(std::string_view bytes) {
  Md5 md5;
  md5.add(bytes);
  return md5.hex();
}

std::string md5_of_attributes(std::vector<Attribute> attributes) {
  if (attributes.empty()) return {};
  std::ranges::sort(attributes, {}, &Attribute::name);
  Md5 md5;
  for (auto& a : attributes) {
    md5.add_sized(a.name);
    md5.add_sized(a.type);
    md5.add(a.binary() ? std::string_view("\2", 1) : std::string_view("\1", 1));
    md5.add_sized(a.value);
  }
  return md5.hex();
}

size_t size_of(std::string_view body, const std::vector<Attribute>& attributes) {
  size_t n = body.size();
  for (auto& a : attributes) n += a.name.size() + a.type.size() + a.value.size();
  return n;
}

std::string Receipt::text() const {
  return base64(queue + ":" + std::to_string(generation) + ":" + place.text() + ":" + std::to_string(ticket));
}

std::optional<Receipt> Receipt::parse(std::string_view text) {
  std::string raw;
  if (text.size() > 1024 || !base64_decode(text, raw)) return {};
  std::string_view left = raw;
  std::string_view parts[4];
  for (auto& p : parts) {
    const auto colon = left.find(':');
    p = left.substr(0, colon);
    left = colon == std::string_view::npos ? std::string_view() : left.substr(colon + 1);
  }
  Receipt r;
  r.queue = parts[0];
  auto number = [](std::string_view s, auto& v) {
    auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
    return error == std::errc() && end == s.data() + s.size();
  };
  auto place = Place::parse(parts[2]);
  if (r.queue.empty() || !place || !number(parts[1], r.generation) || !number(parts[3], r.ticket)) return {};
  r.place = *place;
  return r;
}

}  // namespace nubecita::sqs
