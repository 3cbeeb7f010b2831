// Who may, as a bucket says it: policy, public access block, ownership controls, access control list.
#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "services/iam/iam.hpp"
#include "services/s3/access.hpp"
#include "services/s3/acl.hpp"

namespace nubecita::s3 {
namespace {

Failure absent(const Exchange& x, std::string_view code, std::string message) {
  return fail(ApiError{std::string(code), 404, std::move(message), {{"BucketName", x.bucket->name}}});
}

// Every statement must be about this bucket, and about S3.
Status check_policy(const Exchange& x, std::string_view text) {
  if (text.size() > 20 * 1024) return fail("PolicyTooLarge", "Policies are limited to 20 KB.", 400);
  if (auto good = iam::check_resource_policy(text); !good)
    return fail("MalformedPolicy", good.error().message, 400);
  auto parsed = json::parse(text);
  auto& statements = parsed->as_object()["Statement"];
  json::array all = statements.is_array() ? statements.as_array() : json::array{statements};
  const auto arn = bucket_arn(x.bucket->name);
  auto ours = [&](std::string_view r) {
    // As far as it is literal it must lead to this bucket.
    const auto literal = r.substr(0, r.find_first_of("*?$"));
    return r == arn || literal.starts_with(arn + "/") ||
           (literal.size() < r.size() && (arn + "/").starts_with(literal));
  };
  for (auto& s : all) {
    auto& o = s.as_object();
    auto* resource = o.if_contains("Resource");
    if (!resource) resource = o.if_contains("NotResource");
    if (!resource) return fail("MalformedPolicy", "Missing required field Resource", 400);
    json::array names = resource->is_array() ? resource->as_array() : json::array{*resource};
    for (auto& n : names)
      if (!n.is_string() || !ours(std::string_view(n.as_string())))
        return fail("MalformedPolicy", "Policy has invalid resource", 400);
    if (!o.contains("Principal") && !o.contains("NotPrincipal"))
      return fail("MalformedPolicy", "Missing required field Principal", 400);
    if (auto* action = o.if_contains("Action")) {
      json::array actions = action->is_array() ? action->as_array() : json::array{*action};
      for (auto& a : actions) {
        std::string name(a.is_string() ? std::string_view(a.as_string()) : std::string_view());
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
        if (name != "*" && !name.starts_with("s3:"))
          return fail("MalformedPolicy", "Policy has invalid action", 400);
      }
    }
  }
  return {};
}

}  // namespace

Status get_bucket_policy(api::Call& call, const model::GetBucketPolicyRequest&,
                         model::GetBucketPolicyOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketPolicy"));
  if (x.bucket->policy.empty()) return absent(x, "NoSuchBucketPolicy", "The bucket policy does not exist");
  x.document = x.bucket->policy;
  return {};
}
Status put_bucket_policy(api::Call& call, const model::PutBucketPolicyRequest& in,
                         model::PutBucketPolicyResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketPolicy"));
  TRY(check_policy(x, in.policy));
  if ((x.bucket->block & kBlockPublicPolicy) && is_public_policy(in.policy))
    return access_denied("User: " + x.principal.arn +
                         " is not authorized to perform: s3:PutBucketPolicy on resource: \"" +
                         bucket_arn(x.bucket->name) +
                         "\" because public policies are blocked by the BlockPublicPolicy "
                         "setting in S3 Block Public Access.");
  x.bucket->policy = in.policy.sv();
  x.tx.put(kEverywhere, *x.bucket);
  x.status = 204;
  return {};
}
Status delete_bucket_policy(api::Call& call, const model::DeleteBucketPolicyRequest&,
                            model::DeleteBucketPolicyResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:DeleteBucketPolicy"));
  x.bucket->policy.clear();
  x.tx.put(kEverywhere, *x.bucket);
  x.status = 204;
  return {};
}
Status get_bucket_policy_status(api::Call& call, const model::GetBucketPolicyStatusRequest&,
                                model::GetBucketPolicyStatusOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketPolicyStatus"));
  const bool acl_public =
      !x.bucket->enforced() && !(x.bucket->block & kIgnorePublicAcls) && is_public(x.bucket->grants);
  if (x.bucket->policy.empty() && !acl_public)
    return absent(x, "NoSuchBucketPolicy", "The bucket policy does not exist");
  out.policy_status = call.make<model::PolicyStatus>();
  out.policy_status->is_public =
      acl_public || (!(x.bucket->block & kRestrictPublicBuckets) && is_public_policy(x.bucket->policy));
  return {};
}

Status get_public_access_block(api::Call& call, const model::GetPublicAccessBlockRequest&,
                               model::GetPublicAccessBlockOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketPublicAccessBlock"));
  if (!x.bucket->block_set)
    return absent(x, "NoSuchPublicAccessBlockConfiguration",
                  "The public access block configuration was not found");
  auto* c = out.public_access_block_configuration = call.make<model::PublicAccessBlockConfiguration>();
  c->block_public_acls = (x.bucket->block & kBlockPublicAcls) != 0;
  c->ignore_public_acls = (x.bucket->block & kIgnorePublicAcls) != 0;
  c->block_public_policy = (x.bucket->block & kBlockPublicPolicy) != 0;
  c->restrict_public_buckets = (x.bucket->block & kRestrictPublicBuckets) != 0;
  return {};
}
Status put_public_access_block(api::Call& call, const model::PutPublicAccessBlockRequest& in,
                               model::PutPublicAccessBlockResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketPublicAccessBlock"));
  const auto* c = in.public_access_block_configuration;
  if (!c) return malformed_xml();
  x.bucket->block = (c->block_public_acls.value_or(false) ? kBlockPublicAcls : 0) |
                    (c->ignore_public_acls.value_or(false) ? kIgnorePublicAcls : 0) |
                    (c->block_public_policy.value_or(false) ? kBlockPublicPolicy : 0) |
                    (c->restrict_public_buckets.value_or(false) ? kRestrictPublicBuckets : 0);
  x.bucket->block_set = true;
  x.tx.put(kEverywhere, *x.bucket);
  return {};
}
Status delete_public_access_block(api::Call& call, const model::DeletePublicAccessBlockRequest&,
                                  model::DeletePublicAccessBlockResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketPublicAccessBlock"));
  x.bucket->block = 0;
  x.bucket->block_set = false;
  x.tx.put(kEverywhere, *x.bucket);
  x.status = 204;
  return {};
}

Status get_bucket_ownership_controls(api::Call& call, const model::GetBucketOwnershipControlsRequest&,
                                     model::GetBucketOwnershipControlsOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketOwnershipControls"));
  if (x.bucket->ownership_unset)
    return absent(x, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found");
  out.ownership_controls = call.make<model::OwnershipControls>();
  out.ownership_controls->rules = call.list<model::OwnershipControlsRule>(1);
  out.ownership_controls->rules[0].object_ownership = call.text(x.bucket->ownership);
  return {};
}
Status put_bucket_ownership_controls(api::Call& call, const model::PutBucketOwnershipControlsRequest& in,
                                     model::PutBucketOwnershipControlsResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketOwnershipControls"));
  if (!in.ownership_controls || in.ownership_controls->rules.size() != 1) return malformed_xml();
  const auto wanted = api::str(in.ownership_controls->rules[0].object_ownership);
  const auto me = canonical_id(x.bucket->account);
  if (wanted == "BucketOwnerEnforced" &&
      std::ranges::any_of(x.bucket->grants, [&](auto& g) { return g.grantee != me && g.type != "nobody"; }))
    return fail("InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting", 400);
  x.bucket->ownership = wanted;
  x.bucket->ownership_unset = false;
  x.tx.put(kEverywhere, *x.bucket);
  return {};
}
Status delete_bucket_ownership_controls(api::Call& call, const model::DeleteBucketOwnershipControlsRequest&,
                                        model::DeleteBucketOwnershipControlsResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketOwnershipControls"));
  x.bucket->ownership = "ObjectWriter";  // what AWS falls back to
  x.bucket->ownership_unset = true;
  x.tx.put(kEverywhere, *x.bucket);
  x.status = 204;
  return {};
}

Status get_bucket_acl(api::Call& call, const model::GetBucketAclRequest&, model::GetBucketAclOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketAcl"));
  show_grants(call, x.bucket->enforced() ? std::vector<Grant>() : x.bucket->grants, x.bucket->account,
              out.owner, out.grants);
  return {};
}
Status put_bucket_acl(api::Call& call, const model::PutBucketAclRequest& in, model::PutBucketAclResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketAcl"));
  const auto asked = acl_of(in);
  if (asked.empty()) return fail("MissingSecurityHeader", "Your request was missing a required header", 400);
  if (x.bucket->enforced() && asked.canned == "private")  // which AWS takes of objects and new buckets only
    return fail("AccessControlListNotSupported", "The bucket does not allow ACLs", 400);
  TRY_LET(x.bucket->grants, make_grants(x, asked, x.bucket->account, false));
  x.tx.put(kEverywhere, *x.bucket);
  return {};
}

}  // namespace nubecita::s3
