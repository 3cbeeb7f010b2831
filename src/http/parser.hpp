// From bytes to a Head and a body: Beast's parser checks the grammar, this keeps what we need of it in one
// allocation. Internal to this room. One thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace nubecita::http {

/// Collects a Head's pieces; the views are made at the end, when `raw` no longer moves.
class HeadBuilder {
 public:
  void start(std::string_view method, std::string_view target);
  void field(std::string_view name, std::string_view value);  // the name is lowered
  std::shared_ptr<Head> take();

 private:
  struct Piece {
    uint32_t at, size;
  };
  Piece add(std::string_view s, bool lower = false);
  std::string raw_;
  Piece method_{}, target_{};
  std::vector<std::pair<Piece, Piece>> fields_;
};

/// Where a parsed body goes.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual bool body(std::string_view part) = 0;  // false: stop
};

/// One request. Feed it the buffered bytes with put() until head_done(), then (sink set) until done().
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  void reset(size_t head_limit);

  enum class Outcome { ok, need_more, stopped, bad, too_large };
  /// Consumes some of `bytes` (answers how many through `used`). Stops once after the head is complete.
  Outcome put(std::string_view bytes, size_t& used, BodySink* sink);

  bool head_done() const;
  bool done() const;
  bool keep_alive() const;
  bool got_some() const;
  std::shared_ptr<Head> take_head();  // after head_done()
  /// Why the outcome was bad, for the client; and the status to answer with.
  const std::string& problem() const;
  int problem_status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nubecita::http
