// What the operations of STS share.
#pragma once

#include "api/call.hpp"
#include "models/sts.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::sts {

using api::Call;

/// Seconds asked for within [900, longest]. Error ValidationError with AWS's text.
Result<int64_t> duration(wire::Opt<int32_t> asked, int64_t otherwise, int64_t longest);
model::Credentials* answer(Call& call, const iam::TemporaryCredentials& credentials);

}  // namespace nubecita::sts
