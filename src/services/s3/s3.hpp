// What others may ask of S3: its front door, its table, its background work.
//
// The front takes requests from the gateway as a guest, because objects' bytes stream in and out. begin() is
// called on I/O threads; what waits for the disk runs on the front's own.
// Lifecycle: 1. construct, 2. begin() while the server runs, 3. destroy after Server::stop().
#pragma once

#include <memory>

#include "api/cloud.hpp"
#include "api/service.hpp"
#include "http/message.hpp"

namespace nubecita::s3 {

const api::Service& service();

class Front {
 public:
  explicit Front(api::Cloud& cloud);
  ~Front();
  /// Whether a request is S3's: signed for it, or sent to one of its host names, or signed for nothing and no
  /// call of another API.
  bool claims(const http::Head& head) const;
  std::unique_ptr<http::Receiver> begin(http::HeadPtr head);
  /// Sweeps orphans, expires objects, aborts uploads; every `hours`, first soon. To be called once.
  void start_housekeeping();
  /// After the last request: delivers the access logs that it has gathered.
  void finish();

  struct Impl;  // front.hpp

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nubecita::s3
