// ListDeadLetterSourceQueues and the message move tasks.
#include <algorithm>

#include "base/arn.hpp"
#include "base/ids.hpp"
#include "models/sqs.hpp"
#include "services/sqs/locate.hpp"

namespace nubecita::sqs {
namespace {

constexpr int kMostPerSecond = 500;

bool is_running(const MoveTask& t) { return t.status == "RUNNING" || t.status == "CANCELLING"; }

/// Handles are the task's id and source, as AWS's are: opaque.
std::string handle_of(const MoveTask& t) {
  return base64("{\"taskId\":\"" + t.id + "\",\"sourceArn\":\"" + t.source + "\"}");
}

std::string id_in(std::string_view handle) {
  std::string raw;
  constexpr std::string_view before = "{\"taskId\":\"";
  if (!base64_decode(handle, raw) || !raw.starts_with(before)) return {};
  return raw.substr(before.size(), raw.find('"', before.size()) - before.size());
}

std::vector<ViewPtr> sources_of(api::Call& call, const std::string& arn) {
  std::vector<ViewPtr> out;
  for (auto& q : call.tx.list<Queue>(call.scope()))
    if (settings_of(q.attributes, q.fifo).dead_letter_arn == arn)
      if (auto view = queues(call).find(call.tx, call.scope(), q.name)) out.push_back(std::move(view));
  return out;
}

Result<ViewPtr> find_arn(api::Call& call, wire::Text arn, std::string_view name,
                         std::initializer_list<std::string_view> actions) {
  auto parsed = Arn::parse(arn);
  if (!parsed || parsed->service != "sqs")
    return invalid_parameter("You must use this format to specify the " + std::string(name) +
                             ": arn:<partition>:<service>:<region>:<account-id>:<resource-id>");
  auto view = parsed->account == call.account && parsed->region == call.region
                  ? queues(call).find(call.tx, arn.sv())
                  : nullptr;
  for (auto action : actions)
    TRY(call.authorize(arn, {}, action, view ? std::string_view(view->settings.policy) : std::string_view(),
                       parsed->account));
  if (!view)
    return fail("ResourceNotFoundException",
                "The resource that you specified for the " + std::string(name) + " parameter doesn't exist.",
                404);
  return view;
}

}  // namespace

Status list_dead_letter_source_queues(api::Call& call, const model::ListDeadLetterSourceQueuesRequest& in,
                                      model::ListDeadLetterSourceQueuesResult& out) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:ListDeadLetterSourceQueues"));
  const auto most = in.max_results.value_or(1000);
  if (most < 1 || most > 1000)
    return invalid_parameter(
        "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer "
        "between 1 and 1000");
  std::string next;
  TRY_LET(auto found, api::page(
                          sources_of(call, at.view->arn()), in.next_token.sv(), static_cast<size_t>(most),
                          [](const ViewPtr& v) { return v->queue.name; }, next, "InvalidParameterValue"));
  out.queue_urls = call.list<wire::Text>(found.size());
  for (size_t i = 0; i < found.size(); ++i)
    out.queue_urls[i] = call.text(url_of(call, call.account, found[i]->queue.name));
  if (in.max_results.has() && !next.empty()) out.next_token = call.text(next);
  return {};
}

Status start_message_move_task(api::Call& call, const model::StartMessageMoveTaskRequest& in,
                               model::StartMessageMoveTaskResult& out) {
  TRY_LET(auto source, find_arn(call, in.source_arn, "SourceArn",
                                {"sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage",
                                 "sqs:GetQueueAttributes"}));
  MoveTask task;
  task.id = uuid();
  task.source = source->arn();
  const auto sources = sources_of(call, task.source);
  if (sources.empty()) return invalid_parameter("Source queue must be configured as a Dead Letter Queue.");
  if (in.destination_arn.has()) {
    TRY_LET(auto to, find_arn(call, in.destination_arn, "DestinationArn", {"sqs:SendMessage"}));
    if (to->settings.fifo != source->settings.fifo)
      return invalid_parameter("The destination queue must be of the same type as the source queue.");
    if (to->arn() == task.source)
      return invalid_parameter("Source and destination queues must be different.");
    task.destination = to->arn();
  } else {
    for (auto& s : sources)
      TRY(call.authorize(s->arn(), {}, "sqs:SendMessage", s->settings.policy, s->scope.account));
  }
  const auto rate = in.max_number_of_messages_per_second.value_or(0);
  if (in.max_number_of_messages_per_second.has() && (rate < 1 || rate > kMostPerSecond))
    return invalid_parameter("MaxNumberOfMessagesPerSecond must be between 1 and 500.");
  for (auto& other : call.tx.list<MoveTask>(call.scope()))
    if (other.source == task.source && is_running(other))
      return invalid_parameter(
          "There is already a task running. Only one active task is allowed for a source queue "
          "arn at a given time.");
  task.status = "RUNNING";
  task.started = call.now;
  task.per_second = rate;
  task.to_move = queues(call).index(*source)->counts(call.now).visible;
  call.tx.put(call.scope(), task);
  out.task_handle = call.text(handle_of(task));
  return {};
}

Status cancel_message_move_task(api::Call& call, const model::CancelMessageMoveTaskRequest& in,
                                model::CancelMessageMoveTaskResult& out) {
  auto task = call.tx.get<MoveTask>(call.scope(), id_in(in.task_handle));
  TRY(call.authorize(task ? std::string_view(task->source) : std::string_view("*")));
  if (!task) return fail("ResourceNotFoundException", "Task does not exist.", 404);
  if (task->status != "RUNNING") return fail("UnsupportedOperation", "Only active tasks can be cancelled.");
  task->status = "CANCELLING";
  call.tx.put(call.scope(), *task);
  out.approximate_number_of_messages_moved = task->moved;
  return {};
}

Status list_message_move_tasks(api::Call& call, const model::ListMessageMoveTasksRequest& in,
                               model::ListMessageMoveTasksResult& out) {
  TRY_LET(auto source, find_arn(call, in.source_arn, "SourceArn", {"sqs:ListMessageMoveTasks"}));
  const auto most = in.max_results.value_or(1);
  if (most < 1 || most > 10) return invalid_parameter("MaxResults must be between 1 and 10.");
  auto tasks = call.tx.list<MoveTask>(call.scope());
  std::erase_if(tasks, [&](const MoveTask& t) { return t.source != source->arn(); });
  std::ranges::sort(tasks, std::greater(), &MoveTask::started);
  if (tasks.size() > static_cast<size_t>(most)) tasks.resize(static_cast<size_t>(most));
  out.results = call.list<model::ListMessageMoveTasksResultEntry>(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    auto& t = tasks[i];
    auto& o = out.results[i];
    if (is_running(t)) o.task_handle = call.text(handle_of(t));
    o.status = call.text(t.status);
    o.source_arn = call.text(t.source);
    if (!t.destination.empty()) o.destination_arn = call.text(t.destination);
    if (t.per_second) o.max_number_of_messages_per_second = static_cast<int32_t>(t.per_second);
    o.approximate_number_of_messages_moved = t.moved;
    o.approximate_number_of_messages_to_move = t.to_move;
    if (!t.failure.empty()) o.failure_reason = call.text(t.failure);
    o.started_timestamp = t.started;
  }
  return {};
}

}  // namespace nubecita::sqs
