// EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand, ListKeyRotations; and the
// controller that rotates and deletes in time.
#include <algorithm>

#include "base/clock.hpp"
#include "control/engine.hpp"
#include "models/kms.hpp"
#include "services/kms/keys.hpp"
#include "services/kms/paging.hpp"

namespace nubecita::kms {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int kMostOnDemand = 25;
constexpr int64_t kSeldom = 3'600'000;

Result<control::Again> reconcile(api::Cloud& cloud, const std::string& name) {
  const auto parts = store::parse_key(name);
  const store::Scope scope{std::string(parts.account), std::string(parts.region)};
  int64_t next = 0;
  TRY(cloud.store->transact([&](store::Transaction& tx) -> Status {
    next = 0;
    auto key = tx.get<Key>(scope, parts.id);
    if (!key) return {};
    const int64_t now = now_ms();
    if (key->delete_at && key->delete_at <= now) {
      for (auto& a : tx.list<Alias>(scope))
        if (a.key_id == key->id) tx.erase<Alias>(scope, a.name);
      for (auto& g : tx.list<Grant>(scope, key->id + "/")) tx.erase<Grant>(scope, g.key());
      tx.erase<Key>(scope, key->id);
      return {};
    }
    if (key->delete_at) {
      next = key->delete_at;
      return {};
    }
    if (!key->rotates) return {};
    if (key->next_rotation <= now && !key->disabled) {
      TRY_LET(auto material, new_material(cloud, key->id, now, false));
      key->materials.push_back(std::move(material));
      key->next_rotation = now + key->rotation_days * kDay;
      tx.put(scope, *key);
    }
    next = std::max(key->next_rotation, now + kSeldom);
    return {};
  }));
  if (!next) return control::done();
  return control::again_in(std::chrono::milliseconds(std::clamp<int64_t>(next - now_ms(), 1000, kSeldom)));
}

}  // namespace

Status enable_key_rotation(api::Call& call, const model::EnableKeyRotationRequest& in,
                           model::EnableKeyRotationResponse&) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  TRY(check_usable(at));
  if (in.rotation_period_in_days.has()) at.key.rotation_days = *in.rotation_period_in_days;
  at.key.rotates = true;
  at.key.next_rotation = call.now + at.key.rotation_days * kDay;
  call.tx.put(at.scope, at.key);
  return {};
}

Status disable_key_rotation(api::Call& call, const model::DisableKeyRotationRequest& in,
                            model::DisableKeyRotationResponse&) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  TRY(check_usable(at));
  at.key.rotates = false;
  at.key.next_rotation = 0;
  call.tx.put(at.scope, at.key);
  return {};
}

Status get_key_rotation_status(api::Call& call, const model::GetKeyRotationStatusRequest& in,
                               model::GetKeyRotationStatusResponse& out) {
  TRY_LET(auto at, locate(call, in.key_id));
  out.key_rotation_enabled = at.key.rotates && !at.key.delete_at;
  out.key_id = call.text(at.arn());
  if (at.key.rotates && !at.key.delete_at) {
    out.rotation_period_in_days = at.key.rotation_days;
    out.next_rotation_date = wire::Timestamp{at.key.next_rotation};
  }
  return {};
}

Status rotate_key_on_demand(api::Call& call, const model::RotateKeyOnDemandRequest& in,
                            model::RotateKeyOnDemandResponse& out) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  TRY(check_usable(at));
  if (at.key.on_demand_rotations >= kMostOnDemand)
    return fail("LimitExceededException", "The key has been rotated on demand 25 times: that is the limit.");
  TRY_LET(auto material, new_material(call.cloud, at.key.id, call.now, true));
  at.key.materials.push_back(std::move(material));
  ++at.key.on_demand_rotations;
  call.tx.put(at.scope, at.key);
  out.key_id = call.text(at.arn());
  return {};
}

Status list_key_rotations(api::Call& call, const model::ListKeyRotationsRequest& in,
                          model::ListKeyRotationsResponse& out) {
  TRY_LET(auto at, locate(call, in.key_id));
  std::vector<std::pair<std::string, Material>> done;  // by their number: the first material is no rotation
  for (size_t i = 1; i < at.key.materials.size(); ++i) {
    auto number = std::to_string(i);
    done.emplace_back(std::string(8 - number.size(), '0') + number, at.key.materials[i]);
  }
  TRY_LET(done, one_page(std::move(done), in, out, call, 100, [](auto& d) { return d.first; }));
  out.rotations = call.list<model::RotationsListEntry>(done.size());
  for (size_t i = 0; i < done.size(); ++i) {
    auto& [number, m] = done[i];
    auto& o = out.rotations[i];
    o.key_id = call.text(at.arn());
    o.key_material_id = call.text(m.id);
    o.rotation_date = wire::Timestamp{m.made};
    o.rotation_type = call.text(m.on_demand ? "ON_DEMAND" : "AUTOMATIC");
  }
  return {};
}

void add_controllers(api::Cloud& cloud) {
  control::Controller c;
  c.name = "kms.key";
  c.tables = {std::string(Key::kTable)};
  c.reconcile = [&cloud](const std::string& key) { return reconcile(cloud, key); };
  cloud.engine->add(std::move(c));
}

}  // namespace nubecita::kms
