// Buckets themselves: CreateBucket, HeadBucket, DeleteBucket, ListBuckets, GetBucketLocation.
#include <algorithm>

#include "services/s3/access.hpp"
#include "services/s3/acl.hpp"
#include "services/s3/bucket_config.hpp"
#include "services/s3/multipart.hpp"

namespace nubecita::s3 {
namespace {

constexpr size_t kMostBuckets = 10'000;

Result<std::string> region_of(const Exchange& x, const model::CreateBucketRequest& in) {
  const auto& here = x.region;
  std::string asked;
  if (in.create_bucket_configuration) asked = in.create_bucket_configuration->location_constraint.sv();
  if (asked == "EU") asked = "eu-west-1";
  if (asked.empty()) {
    if (here == "us-east-1") return here;
    return fail("IllegalLocationConstraintException",
                "The unspecified location constraint is incompatible for the region specific endpoint this "
                "request was "
                "sent to.",
                400);
  }
  if (asked == "us-east-1")
    return fail("InvalidLocationConstraint", "The specified location-constraint is not valid", 400);
  if (here != "us-east-1" && asked != here)
    return fail("IllegalLocationConstraintException",
                "The " + asked +
                    " location constraint is incompatible for the region specific endpoint this request "
                    "was sent to.",
                400);
  return asked;
}

Result<std::vector<Grant>> grants_of_new(Exchange& x, const AclRequest& asked) {
  auto grants = make_grants(x, asked, x.bucket->account, false);
  if (!grants && grants.error().code == "AccessControlListNotSupported")
    return fail("InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting", 400);
  if (!grants && grants.error().code == "AccessDenied")
    return fail("InvalidBucketAclWithBlockPublicAccessError",
                "Bucket cannot have public ACLs set with BlockPublicAccess enabled", 400);
  return grants;
}

}  // namespace

Status create_bucket(api::Call& call, const model::CreateBucketRequest& in, model::CreateBucketOutput& out) {
  auto& x = exchange(call);
  const auto& name = x.target.bucket;
  TRY(call.authorize(bucket_arn(name), {}, "s3:CreateBucket"));
  if (!is_bucket_name(name))
    return fail(
        ApiError{"InvalidBucketName", 400, "The specified bucket is not valid.", {{"BucketName", name}}});
  if (x.claim.anonymous()) return access_denied();
  if (in.bucket_namespace.has() && in.bucket_namespace != "global")
    return not_implemented("x-amz-bucket-namespace");
  Bucket b;
  TRY_LET(b.region, region_of(x, in));
  if (auto there = x.tx.get<Bucket>(kEverywhere, name)) {
    if (there->account != x.principal.account)
      return fail(ApiError{
          "BucketAlreadyExists",
          409,
          "The requested bucket name is not available. The bucket namespace is shared by all users of "
          "the system. Please select a different name and try again.",
          {{"BucketName", name}}});
    if (there->region == "us-east-1" && x.region == "us-east-1") {
      // AWS's old habit in its first region: a success that sets the access control list anew.
      x.bucket = std::move(there);
      const auto acl = acl_of(in);
      if (!acl.empty()) TRY(call.authorize(bucket_arn(name), {}, "s3:PutBucketAcl"));
      TRY_LET(auto grants, grants_of_new(x, acl));
      if (grants != x.bucket->grants) {
        x.bucket->grants = std::move(grants);
        x.tx.put(kEverywhere, *x.bucket);
      }
      out.location = call.text("/" + name);
      return {};
    }
    return fail(ApiError{"BucketAlreadyOwnedByYou",
                         409,
                         "Your previous request to create the named bucket succeeded and you already own it.",
                         {{"BucketName", name}}});
  }
  b.name = name;
  b.account = x.principal.account;
  b.created = x.now;
  if (in.object_ownership.has()) {
    TRY(call.authorize(bucket_arn(name), {}, "s3:PutBucketOwnershipControls"));
    b.ownership = in.object_ownership.sv();
  }
  if (in.object_lock_enabled_for_bucket.value_or(false)) {
    TRY(call.authorize(bucket_arn(name), {}, "s3:PutBucketObjectLockConfiguration"));
    TRY(call.authorize(bucket_arn(name), {}, "s3:PutBucketVersioning"));
    b.lock = true;
    b.versioning = "Enabled";
  }
  x.bucket = b;
  const auto acl = acl_of(in);
  if (!acl.empty() && acl.canned != "private") TRY(call.authorize(bucket_arn(name), {}, "s3:PutBucketAcl"));
  TRY_LET(b.grants, grants_of_new(x, acl));
  if (in.create_bucket_configuration && !in.create_bucket_configuration->tags.empty()) {
    TRY(call.authorize(bucket_arn(name), {}, "s3:TagResource"));
    TRY_LET(auto tags, tags_of(in.create_bucket_configuration->tags, 50));
    put_bucket_tags(x, name, tags);
  }
  x.tx.put(kEverywhere, b);
  out.location = call.text("/" + name);
  out.bucket_arn = call.text(bucket_arn(name));
  return {};
}

Status head_bucket(api::Call& call, const model::HeadBucketRequest&, model::HeadBucketOutput& out) {
  auto& x = exchange(call);
  TRY(x.find_bucket());
  x.headers.emplace_back("x-amz-bucket-region", x.bucket->region);
  TRY(open_bucket(x, "s3:ListBucket"));
  x.headers.clear();
  out.bucket_region = call.text(x.bucket->region);
  out.access_point_alias = false;
  return {};
}

Status delete_bucket(api::Call& call, const model::DeleteBucketRequest&, model::DeleteBucketResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:DeleteBucket"));
  const auto& name = x.bucket->name;
  bool empty = true;
  auto any = [&](std::string_view, std::string_view) { return empty = false; };
  x.tx.scan(store::make_key("s3.object", kEverywhere, name + "/"), {}, any);
  if (!empty)
    return fail(ApiError{
        "BucketNotEmpty",
        409,
        versioned(*x.bucket)
            ? "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
            : "The bucket you tried to delete is not empty",
        {{"BucketName", name}}});
  // Uploads that nobody completes go with their bucket, as on AWS.
  std::vector<Upload> uploads;
  x.tx.scan(store::make_key("s3.upload", kEverywhere, name + "/"), {},
            [&](std::string_view, std::string_view v) {
              uploads.push_back(store::decode_record<Upload>(v));
              return true;
            });
  for (auto& u : uploads) abort_upload(x.tx, name, u, x.doomed);
  std::vector<std::string> configs;
  x.tx.scan(config_key(name, {}), {}, [&](std::string_view k, std::string_view) {
    configs.emplace_back(k);
    return true;
  });
  for (auto& k : configs) x.tx.erase(k);
  x.tx.erase<Bucket>(kEverywhere, name);
  return {};
}

Status list_buckets(api::Call& call, const model::ListBucketsRequest& in, model::ListBucketsOutput& out) {
  auto& x = exchange(call);
  if (x.claim.anonymous()) return access_denied();
  TRY(call.authorize("*", {}, "s3:ListAllMyBuckets"));
  std::string after;
  if (in.continuation_token.has()) {
    auto token = api::decode_token(in.continuation_token, "InvalidArgument");
    if (!token) return invalid_argument("The continuation token provided is incorrect", "continuation-token");
    after = *token;
  }
  const auto most = in.max_buckets.has() ? static_cast<size_t>(std::max(1, *in.max_buckets)) : kMostBuckets;
  std::vector<model::Bucket> found;
  const std::string prefix(in.prefix.sv());
  bool more = false;
  std::string last;
  x.tx.each<Bucket>([&](const store::Scope&, Bucket& b) {
    if (b.account != x.principal.account || b.name <= after || !b.name.starts_with(prefix)) return true;
    if (in.bucket_region.has() && in.bucket_region.sv() != b.region) return true;
    if (found.size() == most) return !(more = true);
    model::Bucket m;
    m.name = call.text(b.name);
    m.creation_date = wire::Timestamp{b.created};
    if (in.max_buckets.has() || in.bucket_region.has()) m.bucket_region = call.text(b.region);
    found.push_back(m);
    last = b.name;
    return true;
  });
  out.buckets = call.list<model::Bucket>(found.size());
  std::copy(found.begin(), found.end(), out.buckets.begin());
  out.owner = show_owner(call, x.principal.account);
  if (in.prefix.has()) out.prefix = in.prefix;
  if (more) out.continuation_token = call.text(api::encode_token(last));
  return {};
}

Status get_bucket_location(api::Call& call, const model::GetBucketLocationRequest&,
                           model::GetBucketLocationOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketLocation"));
  // The first region is told as nothing.
  const auto region = x.bucket->region == "us-east-1" ? std::string() : x.bucket->region;
  x.document =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"" +
      (region.empty() ? "/>" : ">" + region + "</LocationConstraint>");
  return {};
}

}  // namespace nubecita::s3
