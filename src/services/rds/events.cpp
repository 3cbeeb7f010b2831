// Events, and what truthfully is empty: snapshots and maintenance actions.
#include <algorithm>

#include "services/rds/common.hpp"

namespace nubecita::rds {

Status describe_events(Call& call, const model::DescribeEventsMessage& in, model::EventsMessage& out) {
  TRY(call.authorize("*"));
  if (!in.source_identifier.empty() && in.source_type.empty())
    return fail("InvalidParameterCombination", "SourceIdentifier needs a SourceType.");
  const int64_t end = in.end_time.has() ? in.end_time.value.ms : call.now + 1;
  const int64_t begin =
      in.start_time.has() ? in.start_time.value.ms : end - int64_t{in.duration.value_or(60)} * 60000;
  std::vector<Event> found;
  for (auto& e : call.tx.list<Event>(call.scope())) {
    if (e.at < begin || e.at >= end) continue;
    if (!in.source_type.empty() && e.source_type != in.source_type.sv()) continue;
    if (!in.source_identifier.empty() && e.source_id != lower(in.source_identifier)) continue;
    if (!in.event_categories.empty() && std::none_of(in.event_categories.begin(), in.event_categories.end(),
                                                     [&](auto& c) { return c.sv() == e.category; }))
      continue;
    found.push_back(e);
  }
  TRY_LET(found, one_page(
                     call, std::move(found), in.marker, in.max_records, [](auto& e) { return e.key(); },
                     out.marker));
  out.events = call.list<model::Event>(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    auto& e = out.events[i];
    e.source_identifier = call.text(found[i].source_id);
    e.source_type = call.text(found[i].source_type);
    e.source_arn = call.text(found[i].source_arn);
    e.message = call.text(found[i].message);
    e.event_categories = call.texts({found[i].category});
    e.date = wire::Timestamp{found[i].at};
  }
  return {};
}

/// No operation makes snapshots yet, so there are none.
Status describe_db_snapshots(Call& call, const model::DescribeDBSnapshotsMessage& in,
                             model::DBSnapshotMessage& out) {
  TRY(call.authorize(
      instance_arn(call, in.db_instance_identifier.empty() ? "*" : lower(in.db_instance_identifier))));
  if (!in.db_snapshot_identifier.empty())
    return fail("DBSnapshotNotFound", "DBSnapshot " + api::str(in.db_snapshot_identifier) + " not found.",
                404);
  out.db_snapshots = call.list<model::DBSnapshot>(0);
  return {};
}

/// The distribution's packages bring maintenance, not we.
Status describe_pending_maintenance_actions(Call& call,
                                            const model::DescribePendingMaintenanceActionsMessage&,
                                            model::PendingMaintenanceActionsMessage& out) {
  TRY(call.authorize("*"));
  out.pending_maintenance_actions = call.list<model::ResourcePendingMaintenanceActions>(0);
  return {};
}

}  // namespace nubecita::rds
