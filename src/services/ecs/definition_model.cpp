// Task definitions between the store and the model: kept as the JSON of model::TaskDefinition, read through
// the model's own descriptors, so that every member comes back as it was registered.
#include <fmt/core.h>

#include "services/ecs/common.hpp"
#include "services/ecs/ecs.hpp"
#include "wire/codecs.hpp"

namespace nubecita::ecs {

namespace {

const wire::Shape& definition_shape() {
  static const wire::Shape* shape = [] {
    for (const auto& op : service().operations)
      if (op.shape->name == "DescribeTaskDefinition")
        for (const auto& m : op.shape->output->members)
          if (m.name == "taskDefinition") return m.shape;
    return static_cast<const wire::Shape*>(nullptr);
  }();
  return *shape;
}

}  // namespace

std::string store_definition(const model::TaskDefinition& definition) {
  std::string out;
  wire::encode_json(out, definition_shape(), wire::Members::all, &definition);
  return out;
}

model::TaskDefinition* load_definition(Arena& arena, const Definition& record) {
  auto* out = arena.make<model::TaskDefinition>();
  if (auto s = wire::decode_json(definition_shape(), arena.copy(record.body), wire::Members::all, arena, out);
      !s)
    throw store::CorruptRecord(fmt::format("task definition {}: {}", record.key(), s.error().message));
  return out;
}

model::TaskDefinition* definition_out(Call& call, const Definition& record) {
  model::TaskDefinition* out = load_definition(call.arena, record);
  out->task_definition_arn = call.text(definition_arn(call.scope(), record.family, record.revision));
  out->family = call.text(record.family);
  out->revision = static_cast<int32_t>(record.revision);
  out->status = call.text(record.status);
  out->registered_at = time_out(record.registered);
  out->deregistered_at = time_out(record.deregistered);
  out->delete_requested_at = time_out(record.delete_requested);
  if (!record.registered_by.empty()) out->registered_by = call.text(record.registered_by);
  return out;
}

}  // namespace nubecita::ecs
