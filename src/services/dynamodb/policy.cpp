// Resource policies of tables: kept here, asked by authorize() (access.hpp).
#include "api/call.hpp"
#include "models/dynamodb.hpp"
#include "services/dynamodb/changes.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/tables.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::dynamodb {
namespace {

Result<TablePtr> table_of(api::Call& call, wire::Text arn) {
  if (!arn.sv().starts_with("arn:")) return invalid("Invalid ResourceArn: " + api::str(arn));
  TRY_LET(auto name, table_name(call, arn));
  TRY(call.authorize(table_arn(call.scope(), name)));
  auto table = find_table(call.tx, call.scope(), name);
  if (!table)
    return fail("ResourceNotFoundException", "Requested resource not found: ResourceArn: " + api::str(arn));
  return table;
}

Status check_revision(const Table& table, wire::Text expected) {
  const bool good = !expected.has() ||
                    (expected == "NO_POLICY" ? table.policy.empty() : table.policy_revision == expected.sv());
  if (good) return {};
  return fail("PolicyNotFoundException", "The resource policy's revision is not the expected one");
}

}  // namespace

Status put_resource_policy(api::Call& call, const model::PutResourcePolicyInput& in,
                           model::PutResourcePolicyOutput& out) {
  TRY_LET(auto found, table_of(call, in.resource_arn));
  TRY(check_revision(*found, in.expected_revision_id));
  TRY(iam::check_resource_policy(in.policy));
  Table table = *found;
  table.policy = api::str(in.policy);
  table.policy_revision = std::to_string(call.now);
  put_table(call.tx, call.scope(), table);
  out.revision_id = call.text(table.policy_revision);
  return {};
}

Status get_resource_policy(api::Call& call, const model::GetResourcePolicyInput& in,
                           model::GetResourcePolicyOutput& out) {
  TRY_LET(auto table, table_of(call, in.resource_arn));
  if (table->policy.empty())
    return fail("PolicyNotFoundException",
                "Resource-based policy not found for the provided ResourceArn: " + api::str(in.resource_arn));
  out.policy = call.text(table->policy);
  out.revision_id = call.text(table->policy_revision);
  return {};
}

Status delete_resource_policy(api::Call& call, const model::DeleteResourcePolicyInput& in,
                              model::DeleteResourcePolicyOutput& out) {
  TRY_LET(auto found, table_of(call, in.resource_arn));
  TRY(check_revision(*found, in.expected_revision_id));
  if (found->policy.empty()) return {};
  Table table = *found;
  out.revision_id = call.text(table.policy_revision);
  table.policy.clear();
  table.policy_revision.clear();
  put_table(call.tx, call.scope(), table);
  return {};
}

}  // namespace nubecita::dynamodb
