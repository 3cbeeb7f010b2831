// STS: who am I, and temporary credentials of roles. It keeps nothing of its own: sessions are IAM's records.
// Other services make role sessions through services/iam/iam.hpp.
#pragma once

#include "api/service.hpp"

namespace nubecita::sts {

const api::Service& service();

}  // namespace nubecita::sts
