#include "api/run.hpp"

#include <stdexcept>

namespace nubecita::api {
namespace {
thread_local Run* running = nullptr;
}

Run::Run(int64_t when, std::string_view name, bool left)
    : started(when), host(name), abandoned(left), outer_(running) {
  running = this;
}
Run::~Run() {
  running = outer_;
  for (auto& then : afterwards) then(false);  // it threw
}
Run& Run::current() {
  if (!running) throw std::logic_error("an operation runs without api::Run around it");
  return *running;
}

void afterwards(Call&, Afterwards then) { Run::current().afterwards.push_back(std::move(then)); }
void wait(Call&, Park park) { Run::current().park = std::move(park); }
int64_t started(const Call&) { return Run::current().started; }
bool abandoned(const Call&) { return Run::current().abandoned; }
std::string_view host(const Call&) { return Run::current().host; }

}  // namespace nubecita::api
