// A CONNECT tunnel: bytes between a client and host:port, both ways, with one buffer each way. Internal to
// this room.
#pragma once

#include <memory>
#include <string>

#include "http/stream.hpp"
#include "http/worker.hpp"

namespace nubecita::http {

/// Connects, tells the client "200", and relays until both sides have ended or nothing moves for
/// limits.relay_idle. `ahead`: what the client has sent after its CONNECT already.
void start_relay(std::shared_ptr<Worker> worker, std::shared_ptr<const Site> site,
                 std::unique_ptr<Stream> client, const std::string& host, int port, std::string ahead);

}  // namespace nubecita::http
