// How records become bytes. A record is a struct with
//   static constexpr std::string_view kTable = "ec2.vpc";          // the first part of its keys
//   std::string key() const;                                        // its id within account and region
//   template <class A> void fields(A& a) { a("id", id)("cidr", cidr); }
// Members are written by name (JSON, so that a person can read the store), absent ones keep their defaults
// when read: adding a member needs no migration. Values that equal "nothing" (empty, zero, false) are left
// out, so a member whose default is something else cannot be set to nothing: keep such a member inverted or
// shifted (see ec2::Vpc, GroupRule).
//
// Strings hold any bytes. Text in UTF-8 stands in the JSON as it is; anything else is written as U+0000,
// "b64:" and its base64, and so is text that begins with U+0000, so that no string can be taken for another.
// A member of type Bytes is written as [offset, size]: where it stands in what follows the JSON after a NUL,
// which no JSON has inside.
// Values only; a writer or reader belongs to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nubecita::store {

/// Stored bytes are not what a FieldWriter writes, or a member has another type than its record says: a
/// broken invariant, so an exception. Its text says what was met.
struct CorruptRecord : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// More bytes than a few that are no text: they are stored as they are.
struct Bytes {
  std::string value;
  bool operator==(const Bytes&) const = default;
};
/// A stored record without its Bytes.
inline std::string_view record_json(std::string_view stored) { return stored.substr(0, stored.find('\0')); }

class FieldWriter {
 public:
  FieldWriter();
  ~FieldWriter();
  FieldWriter(const FieldWriter&) = delete;
  FieldWriter& operator=(const FieldWriter&) = delete;

  template <class T>
  FieldWriter& operator()(std::string_view name, const T& v) {
    if (!nothing(v)) {
      key(name);
      value(v);
    }
    return *this;
  }
  std::string take();

  void begin_object();
  void end_object();

 private:
  static bool nothing(const std::string& s) { return s.empty(); }
  static bool nothing(const Bytes& b) { return b.value.empty(); }
  static bool nothing(int64_t v) { return v == 0; }
  static bool nothing(int v) { return v == 0; }
  static bool nothing(double v) { return v == 0; }
  static bool nothing(bool v) { return !v; }
  template <class T>
  static bool nothing(const std::vector<T>& v) {
    return v.empty();
  }
  template <class T>
  static bool nothing(const std::map<std::string, T>& v) {
    return v.empty();
  }
  template <class T>
  static bool nothing(const std::optional<T>& v) {
    return !v;
  }
  template <class T>
  static bool nothing(const T&) {
    return false;
  }

  void key(std::string_view name);
  void value(const std::string& s);
  void value(const Bytes& b);
  void value(int64_t v);
  void value(int v) { value(static_cast<int64_t>(v)); }
  void value(double v);
  void value(bool v);
  void begin_array();
  void end_array();
  template <class T>
  void value(const std::optional<T>& v) {
    value(*v);
  }
  template <class T>
  void value(const std::vector<T>& v) {
    begin_array();
    for (const T& e : v) value(e);
    end_array();
  }
  template <class T>
  void value(const std::map<std::string, T>& v) {
    begin_object();
    for (const auto& [k, e] : v) {
      key(k);
      value(e);
    }
    end_object();
  }
  template <class T>
    requires requires(T& t, FieldWriter& w) { t.fields(w); }
  void value(const T& v) {
    begin_object();
    const_cast<T&>(v).fields(*this);  // fields() is one function for both directions; writing changes nothing
    end_object();
  }
  struct State;
  std::unique_ptr<State> state_;
};

class FieldReader {
 public:
  /// Throws CorruptRecord when `bytes` are not what FieldWriter writes.
  explicit FieldReader(std::string_view bytes);
  ~FieldReader();
  FieldReader(const FieldReader&) = delete;
  FieldReader& operator=(const FieldReader&) = delete;

  template <class T>
  FieldReader& operator()(std::string_view name, T& v) {
    if (const void* node = find(name)) read(node, v);
    return *this;
  }

 private:
  const void* find(std::string_view name) const;
  void read(const void* node, std::string& v);
  void read(const void* node, Bytes& v);
  void read(const void* node, int64_t& v);
  void read(const void* node, int& v);
  void read(const void* node, double& v);
  void read(const void* node, bool& v);
  template <class T>
  void read(const void* node, std::optional<T>& v) {
    v.emplace();
    read(node, *v);
  }
  template <class T>
  void read(const void* node, std::vector<T>& v) {
    v.clear();
    size_t n = array_size(node);
    v.reserve(n);
    for (size_t i = 0; i < n; ++i) {
      T element{};
      read(array_at(node, i), element);
      v.push_back(std::move(element));
    }
  }
  template <class T>
  void read(const void* node, std::map<std::string, T>& v) {
    v.clear();
    for (size_t i = 0, n = object_size(node); i < n; ++i) {
      std::string k;
      const void* child = object_at(node, i, k);
      read(child, v[k]);
    }
  }
  template <class T>
    requires requires(T& t, FieldReader& r) { t.fields(r); }
  void read(const void* node, T& v) {
    const void* outer = enter(node);
    v.fields(*this);
    leave(outer);
  }
  static size_t array_size(const void* node);
  static const void* array_at(const void* node, size_t i);
  static size_t object_size(const void* node);
  static const void* object_at(const void* node, size_t i, std::string& key);
  const void* enter(const void* node);
  void leave(const void* outer);

  struct State;
  std::unique_ptr<State> state_;
};

template <class R>
std::string encode_record(const R& record) {
  FieldWriter w;
  w.begin_object();
  const_cast<R&>(record).fields(w);
  w.end_object();
  return w.take();
}
template <class R>
R decode_record(std::string_view bytes) {
  R record{};
  FieldReader r(bytes);
  record.fields(r);
  return record;
}

}  // namespace nubecita::store
