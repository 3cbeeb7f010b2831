// What services keep in memory beside the store: one of each kind per cloud, made from it at first use.
//
//   auto& queues = api::part<Queues>(call.cloud);    // Queues(api::Cloud&)
//
// Any thread. end_parts() ends them: before the cloud's store goes (tests; the program just exits).
#pragma once

#include <functional>
#include <memory>
#include <typeindex>
#include <typeinfo>

#include "api/cloud.hpp"

namespace nubecita::api {

std::shared_ptr<void> find_part(Cloud& cloud, std::type_index kind,
                                const std::function<std::shared_ptr<void>()>& make);
void end_parts(Cloud& cloud);

template <class T>
T& part(Cloud& cloud) {
  return *static_cast<T*>(find_part(cloud, typeid(T), [&] { return std::make_shared<T>(cloud); }).get());
}

}  // namespace nubecita::api
