// What an object is told after it has been made: tags, access control list, retention, legal hold; and what
// GetObjectAttributes tells of it.
#include <algorithm>

#include "services/s3/acl.hpp"
#include "services/s3/new_object.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/object_keys.hpp"

namespace nubecita::s3 {

Status get_object_tagging(api::Call& call, const model::GetObjectTaggingRequest& in,
                          model::GetObjectTaggingOutput& out) {
  auto& x = exchange(call);
  TRY_LET(auto found, open_version(x, in.version_id, "s3:GetObjectTagging", "s3:GetObjectVersionTagging"));
  out.tag_set = tag_list(call, found.object.tags);
  show_version(x, *x.bucket, found.object, out);
  return {};
}

Status put_object_tagging(api::Call& call, const model::PutObjectTaggingRequest& in,
                          model::PutObjectTaggingOutput& out) {
  auto& x = exchange(call);
  if (!in.tagging) return malformed_xml();
  TRY_LET(auto tags, tags_of(in.tagging->tag_set, 10));
  x.request_conditions.add(tag_conditions(tags));
  TRY_LET(auto found, open_version(x, in.version_id, "s3:PutObjectTagging", "s3:PutObjectVersionTagging"));
  found.object.tags = std::move(tags);
  put_again(x.tx, x.bucket->name, x.target.key, found);
  notify(x, "ObjectTagging:Put", x.target.key, found.object);
  show_version(x, *x.bucket, found.object, out);
  return {};
}

Status delete_object_tagging(api::Call& call, const model::DeleteObjectTaggingRequest& in,
                             model::DeleteObjectTaggingOutput& out) {
  auto& x = exchange(call);
  TRY_LET(auto found,
          open_version(x, in.version_id, "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"));
  found.object.tags.clear();
  put_again(x.tx, x.bucket->name, x.target.key, found);
  notify(x, "ObjectTagging:Delete", x.target.key, found.object);
  show_version(x, *x.bucket, found.object, out);
  return {};
}

Status get_object_acl(api::Call& call, const model::GetObjectAclRequest& in, model::GetObjectAclOutput& out) {
  auto& x = exchange(call);
  TRY_LET(auto found, open_version(x, in.version_id, "s3:GetObjectAcl", "s3:GetObjectVersionAcl"));
  const auto& o = found.object;
  show_grants(call, x.bucket->enforced() ? std::vector<Grant>() : o.grants,
              x.bucket->enforced() ? x.bucket->account : o.account, out.owner, out.grants);
  return {};
}

Status put_object_acl(api::Call& call, const model::PutObjectAclRequest& in, model::PutObjectAclOutput&) {
  auto& x = exchange(call);
  TRY_LET(auto found, open_version(x, in.version_id, "s3:PutObjectAcl", "s3:PutObjectVersionAcl"));
  const auto asked = acl_of(in);
  if (asked.empty()) return fail("MissingSecurityHeader", "Your request was missing a required header", 400);
  TRY_LET(found.object.grants, make_grants(x, asked, found.object.account, true));
  put_again(x.tx, x.bucket->name, x.target.key, found);
  return {};
}

Status get_object_retention(api::Call& call, const model::GetObjectRetentionRequest& in,
                            model::GetObjectRetentionOutput& out) {
  auto& x = exchange(call);
  TRY_LET(auto found, open_version(x, in.version_id, "s3:GetObjectRetention", "s3:GetObjectRetention"));
  if (!x.bucket->lock) return invalid_request("Bucket is missing Object Lock Configuration");
  if (found.object.lock_mode.empty())
    return fail("NoSuchObjectLockConfiguration",
                "The specified object does not have a ObjectLock configuration", 404);
  out.retention = call.make<model::ObjectLockRetention>();
  out.retention->mode = call.text(found.object.lock_mode);
  out.retention->retain_until_date = wire::Timestamp{found.object.lock_until};
  return {};
}

Status put_object_retention(api::Call& call, const model::PutObjectRetentionRequest& in,
                            model::PutObjectRetentionOutput&) {
  auto& x = exchange(call);
  TRY_LET(auto found, open_version(x, in.version_id, "s3:PutObjectRetention", "s3:PutObjectRetention"));
  if (!x.bucket->lock) return invalid_request("Bucket is missing Object Lock Configuration");
  const auto* r = in.retention;
  auto& o = found.object;
  if (r && (r->event_hold.has() || r->event_hold_duration)) return not_implemented("EventHold");
  const bool remove = !r || (r->mode.empty() && !r->retain_until_date.has());
  if (!remove) {
    if (r->mode != "GOVERNANCE" && r->mode != "COMPLIANCE") return malformed_xml();
    if (!r->retain_until_date.has()) return malformed_xml();
    if ((*r->retain_until_date).ms <= x.now)
      return invalid_argument("The retain until date must be in the future!");
  }
  const bool weaker = remove || (*r->retain_until_date).ms < o.lock_until ||
                      (o.lock_mode == "COMPLIANCE" && r->mode != "COMPLIANCE") ||
                      (o.lock_mode == "GOVERNANCE" && r->mode != o.lock_mode);
  if (o.lock_until > x.now && weaker) {
    const bool bypass =
        o.lock_mode == "GOVERNANCE" && in.bypass_governance_retention.value_or(false) &&
        check_object(x, *x.bucket, x.target.key, "s3:BypassGovernanceRetention", &o).has_value();
    if (!bypass) return access_denied("Access Denied because object protected by object lock.");
  }
  o.lock_mode = remove ? "" : std::string(r->mode.sv());
  o.lock_until = remove ? 0 : (*r->retain_until_date).ms;
  put_again(x.tx, x.bucket->name, x.target.key, found);
  return {};
}

Status get_object_legal_hold(api::Call& call, const model::GetObjectLegalHoldRequest& in,
                             model::GetObjectLegalHoldOutput& out) {
  auto& x = exchange(call);
  TRY_LET(auto found, open_version(x, in.version_id, "s3:GetObjectLegalHold", "s3:GetObjectLegalHold"));
  if (!x.bucket->lock) return invalid_request("Bucket is missing Object Lock Configuration");
  out.legal_hold = call.make<model::ObjectLockLegalHold>();
  out.legal_hold->status = found.object.hold ? wire::Text("ON") : wire::Text("OFF");
  return {};
}

Status put_object_legal_hold(api::Call& call, const model::PutObjectLegalHoldRequest& in,
                             model::PutObjectLegalHoldOutput&) {
  auto& x = exchange(call);
  TRY_LET(auto found, open_version(x, in.version_id, "s3:PutObjectLegalHold", "s3:PutObjectLegalHold"));
  if (!x.bucket->lock) return invalid_request("Bucket is missing Object Lock Configuration");
  if (!in.legal_hold || (in.legal_hold->status != "ON" && in.legal_hold->status != "OFF"))
    return malformed_xml();
  found.object.hold = in.legal_hold->status == "ON";
  put_again(x.tx, x.bucket->name, x.target.key, found);
  return {};
}

Status get_object_attributes(api::Call& call, const model::GetObjectAttributesRequest& in,
                             model::GetObjectAttributesOutput& out) {
  auto& x = exchange(call);
  auto wants = [&](std::string_view name) {
    return std::ranges::any_of(in.object_attributes, [&](wire::Text t) { return t == name; });
  };
  static constexpr std::string_view known[] = {"ETag", "Checksum", "ObjectParts", "StorageClass",
                                               "ObjectSize"};
  for (auto& t : in.object_attributes)
    if (std::ranges::find(known, t.sv()) == std::end(known))
      return invalid_argument("Invalid attribute name specified.", "x-amz-object-attributes", api::str(t));
  TRY_LET(auto found,
          open_version(x, in.version_id, "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"));
  TRY(check_object(x, *x.bucket, x.target.key, in.version_id.empty() ? "s3:GetObject" : "s3:GetObjectVersion",
                   &found.object));
  const auto& o = found.object;
  TRY(check_customer_key(x, o));
  out.last_modified = wire::Timestamp{o.modified};
  show_version(x, *x.bucket, o, out);
  if (wants("ETag")) out.e_tag = call.text(o.etag);
  if (wants("ObjectSize")) out.object_size = o.size;
  if (wants("StorageClass"))
    out.storage_class = o.storage_class.empty() ? wire::Text("STANDARD") : call.text(o.storage_class);
  if (wants("Checksum") && !o.checksum.empty()) {
    out.checksum = call.make<model::Checksum>();
    // Of parts it is told without their number.
    show_checksum(call, o.algorithm, std::string_view(o.checksum).substr(0, o.checksum.rfind('-')),
                  *out.checksum);
    out.checksum->checksum_type = call.text(o.checksum_type);
  }
  if (wants("ObjectParts") && o.part_count) {
    const auto parts = parts_of(x.tx, o);
    auto* p = out.object_parts = call.make<model::GetObjectAttributesParts>();
    p->total_parts_count = o.part_count;
    if (!o.algorithm.empty()) {
      const auto most = static_cast<size_t>(std::clamp(in.max_parts.value_or(1000), 0, 1000));
      const int after = in.part_number_marker.value_or(0);
      std::vector<const PartOf*> some;
      for (auto& part : parts)
        if (part.number > after) some.push_back(&part);
      p->is_truncated = some.size() > most;
      if (some.size() > most) some.resize(most);
      p->part_number_marker = after;
      p->max_parts = static_cast<int32_t>(most);
      p->next_part_number_marker = some.empty() ? 0 : some.back()->number;
      p->parts = call.list<model::ObjectPart>(some.size());
      for (size_t i = 0; i < some.size(); ++i) {
        p->parts[i].part_number = some[i]->number;
        p->parts[i].size = some[i]->size;
        show_checksum(call, o.algorithm, some[i]->checksum, p->parts[i]);
      }
    }
  }
  return {};
}

}  // namespace nubecita::s3
