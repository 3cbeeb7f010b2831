// The history of a service's deployments: what ListServiceDeployments and DescribeServiceDeployments tell.
// Operations begin entries, the service controller ends them, each in the transaction that changes the
// service; the caller puts the service afterwards.
#pragma once

#include <string>

#include "services/ecs/records.hpp"
#include "store/store.hpp"

namespace nubecita::ecs {

/// After begin_deployment of an operation: the PRIMARY is a new entry; one still open is stopped by it.
void history_begins(store::Transaction& tx, const store::Scope& scope, Service& service, int64_t now);
/// After begin_deployment of a rollback: the open entry goes on until the PRIMARY has its tasks.
void history_goes_back(store::Transaction& tx, const store::Scope& scope, Service& service,
                       std::string reason, int64_t now);
/// The PRIMARY has all its tasks.
void history_completes(store::Transaction& tx, const store::Scope& scope, Service& service, int64_t now);
/// The deployment has failed and nothing follows it.
void history_fails(store::Transaction& tx, const store::Scope& scope, Service& service, std::string reason,
                   int64_t now);
/// What the circuit breaker has counted so far.
void history_counts(store::Transaction& tx, const store::Scope& scope, const Service& service, int failures);
/// The service is no more, or a new one takes its name.
void history_erase(store::Transaction& tx, const store::Scope& scope, const Service& service);

}  // namespace nubecita::ecs
