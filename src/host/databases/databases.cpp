#include "host/databases/databases.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "host/databases/server.hpp"

namespace nubecita::host {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kReadyWithin = 60s;
constexpr const char* kSynced = ".synced";  // beside a template: all of it is on the disk
constexpr int64_t kLogBytes = 64 << 20;     // a server's log is begun anew at a start when it has more

class RealDatabases : public Databases {
 public:
  RealDatabases(const std::string& data_dir, Processes& processes)
      : data_dir_(std::filesystem::absolute(data_dir)), root_(data_dir_ + "/db"), processes_(processes) {}

  std::vector<DatabaseEngine> engines() override {
    std::vector<DatabaseEngine> out;
    for (auto& server : servers()) out.push_back(server->engine());
    return out;
  }

  Result<std::shared_ptr<const std::vector<DatabaseParameter>>> parameters(
      const std::string& engine) override {
    std::lock_guard lock(parameters_mutex_);
    if (auto known = parameters_.find(engine); known != parameters_.end()) return known->second;
    for (auto& server : servers())
      if (server->engine().engine == engine) {
        TRY_LET(auto list, server->parameters());
        return parameters_[engine] = std::make_shared<const std::vector<DatabaseParameter>>(std::move(list));
      }
    return fail("EngineNotInstalled", "The database engine " + engine + " is not installed on this machine.");
  }

  Status prepare(const std::string& engine) override {
    bool found = false;
    for (auto& server : servers())
      if (server->engine().engine == engine) {
        found = true;
        TRY_LET(auto owner, owner_of(*server));
        TRY(open_path());
        TRY_LET(auto path, prepared_template(*server, owner));
        if (!exists(path + kSynced)) TRY(sync_tree(path));
        TRY(template_is_synced(*server));
      }
    return found ? Status{}
                 : fail("EngineNotInstalled",
                        "The database engine " + engine + " is not installed on this machine.");
  }

  Status ensure(const DatabaseSpec& spec) override {
    TRY_LET(Server * server, find(spec));
    TRY_LET(auto owner, owner_of(*server));
    const Place at = place(spec.id);
    const bool create = !exists(at.root + "/created");
    std::future<Status> synced;
    if (create) {
      TRY(make_data(*server, spec, at, owner));
      // The server starts meanwhile; if we die before the mark is written, all of it is thrown away and made
      // again.
      synced = std::async(std::launch::async, [root = at.root] { return sync_tree(root); });
    }
    if (!processes_.alive(process(spec.id))) TRY(start(*server, spec, at, owner));
    TRY(wait_ready(*server, spec, at));
    if (create) {
      TRY(synced.get());
      TRY(mark(at.root + "/created"));
      TRY(template_is_synced(*server));  // it lies on the same file system
    }
    // Not before that: from here on somebody can log in and write.
    if (!exists(at.root + "/initialised")) {
      TRY(server->make_master(spec, at));
      TRY(mark(at.root + "/initialised"));
    }
    return {};
  }

  DatabaseState observe(const DatabaseSpec& spec) override {
    const Place at = place(spec.id);
    DatabaseState state;
    state.created = exists(at.root + "/created");
    state.initialised = exists(at.root + "/initialised");
    state.pid = processes_.pid(process(spec.id));
    auto server = find(spec);
    state.ready =
        server && state.pid && (*server)->ping(spec, at) && listens(*state.pid, spec.address, spec.port);
    return state;
  }

  Status reconfigure(const DatabaseSpec& spec,
                     const std::map<std::string, std::optional<std::string>>& changed) override {
    TRY_LET(Server * server, find(spec));
    TRY_LET(auto owner, owner_of(*server));
    TRY(server->write_config(spec, place(spec.id), owner));
    if (changed.empty()) return {};
    return server->apply(spec, place(spec.id), process(spec.id), changed);
  }

  Status set_master_password(const DatabaseSpec& spec, const std::string& password) override {
    TRY_LET(Server * server, find(spec));
    return server->set_password(spec, place(spec.id), password);
  }

  Status stop(const DatabaseSpec& spec) override {
    TRY_LET(Server * server, find(spec));
    return processes_.stop(process(spec.id), 30s, server->stop_signal());
  }

  Status remove(const std::string& id) override {
    TRY(processes_.stop(process(id), 0ms, SIGKILL));
    return remove_tree(place(id).root);
  }

  void watch(const std::string& id, std::function<void()> gone) override {
    if (!gone) return processes_.watch(process(id), {});
    processes_.watch(process(id), [gone = std::move(gone)](const ProcessExit&) { gone(); });
  }

  std::vector<std::string> list() override {
    std::vector<std::string> out;
    std::error_code error;
    for (auto& entry : std::filesystem::directory_iterator(root_, error)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(".")) out.push_back(name);
    }
    return out;
  }

 private:
  Place place(const std::string& id) const { return {root_ + "/" + id}; }
  static std::string process(const std::string& id) { return "db-" + id; }

  const std::vector<std::unique_ptr<Server>>& servers() {
    std::call_once(found_, [this] { servers_ = find_servers(processes_); });
    return servers_;
  }

  Result<Server*> find(const DatabaseSpec& spec) {
    // The exact version if it is there, else the one that can open its files: the same major version.
    auto major = [&](const std::string& v) {
      auto dot = v.find('.');
      return spec.engine == "postgres" || dot == std::string::npos ? v.substr(0, dot)
                                                                   : v.substr(0, v.find('.', dot + 1));
    };
    for (auto& server : servers())
      if (server->engine().engine == spec.engine && major(server->engine().version) == major(spec.version))
        return server.get();
    return fail("EngineNotInstalled", "The database engine " + spec.engine + " " + spec.version +
                                          " is not installed on this machine.");
  }

  static Result<Owner> owner_of(const Server& server) {
    passwd entry{}, *found = nullptr;
    char buffer[4096];
    if (::getpwnam_r(server.user(), &entry, buffer, sizeof buffer, &found) != 0 || !found)
      return fail("DatabaseFailed",
                  std::string("The machine has no user ") + server.user() + ": install the server's package.",
                  500);
    return Owner{entry.pw_uid, entry.pw_gid};
  }

  /// The servers' users must pass through the data directory to their own one; they may not list it.
  Status open_path() {
    for (const auto& dir : {data_dir_, root_}) {
      if (::mkdir(dir.c_str(), 0711) != 0 && errno != EEXIST) return fail(file_error("making", dir));
      struct stat info{};
      if (::stat(dir.c_str(), &info) != 0) return fail(file_error("reading", dir));
      if (!(info.st_mode & S_IXOTH) && ::chmod(dir.c_str(), (info.st_mode & 07777) | S_IXOTH | S_IXGRP) != 0)
        return fail(file_error("opening", dir));
    }
    for (auto dir = std::filesystem::path(data_dir_).parent_path(); dir != dir.root_path();
         dir = dir.parent_path()) {
      struct stat info{};
      if (::stat(dir.c_str(), &info) == 0 && !(info.st_mode & S_IXOTH))
        return fail("DatabaseFailed",
                    "Database servers run as users of their own and cannot pass through " + dir.string() +
                        ": run `chmod o+x " + dir.string() + "` or use a data directory elsewhere.",
                    500);
    }
    return {};
  }

  static Status mark(const std::string& path) {
    return exists(path) ? Status{} : write_durably(path, "", 0600, {});
  }

  std::string template_of(const Server& server) const {
    return root_ + "/.templates/" + server.engine().engine + "-" + server.engine().version;
  }

  Status template_is_synced(Server& server) const {
    std::lock_guard lock(server.template_mutex);
    return mark(template_of(server) + kSynced);
  }

  /// What databases are copied from. It may not be on the disk yet: until it is marked as synced, only the
  /// process that made it may use it (a power cut could have taken parts of it).
  Result<std::string> prepared_template(Server& server, Owner owner) {
    std::lock_guard lock(server.template_mutex);
    std::string ready = template_of(server);
    const std::string making = ready + ".new";
    if (server.template_made || exists(ready + kSynced)) return ready;
    TRY(make_directory(root_ + "/.templates", 0711, {}));
    TRY(remove_tree(ready));
    TRY(remove_tree(making));
    TRY(make_directory(making, 0700, owner));
    TRY(server.initialise(making, owner));
    if (::rename(making.c_str(), ready.c_str()) != 0) return fail(file_error("renaming to", ready));
    server.template_made = true;
    return ready;
  }

  Status make_data(Server& server, const DatabaseSpec& spec, const Place& at, Owner owner) {
    TRY(open_path());
    TRY_LET(auto source, prepared_template(server, owner));
    TRY(processes_.stop(process(spec.id), 0ms, SIGKILL));  // what an interrupted attempt left
    TRY(remove_tree(at.data()));
    TRY(make_directory(at.root, 0711, {}));
    return copy_tree(source, at.data(), owner);
  }

  Status start(Server& server, const DatabaseSpec& spec, const Place& at, Owner owner) {
    TRY(server.write_config(spec, at, owner));
    struct stat info{};
    if (::stat(at.log().c_str(), &info) == 0 && info.st_size > kLogBytes) ::truncate(at.log().c_str(), 0);
    ProcessSpec child;
    child.name = process(spec.id);
    child.argv = server.command(at);
    child.environment = {"LC_ALL=C.UTF-8", "TZ=UTC"};
    child.directory = at.root;
    child.log_file = at.log();
    child.netns = spec.netns;
    child.uid = owner.uid;
    child.gid = owner.gid;
    child.cgroup.memory_bytes = spec.memory_bytes;
    TRY_LET([[maybe_unused]] int pid, processes_.spawn(child));
    return {};
  }

  Status wait_ready(Server& server, const DatabaseSpec& spec, const Place& at) {
    const auto deadline = Clock::now() + kReadyWithin;
    for (auto pause = 5ms;; pause = std::min<std::chrono::milliseconds>(pause * 3 / 2, 100ms)) {
      auto pid = processes_.pid(process(spec.id));
      if (!pid)
        return fail("DatabaseFailed", spec.engine + " ended while it started: " + last_lines(at.log(), 5),
                    500);
      if (server.ping(spec, at)) {
        if (listens(*pid, spec.address, spec.port)) return {};
        // It could not take its address: it must try again from the start.
        TRY(processes_.stop(process(spec.id), 5s, server.stop_signal()));
        return fail("DatabaseFailed",
                    spec.engine + " cannot listen on " + spec.address + ": " + last_lines(at.log(), 5), 500);
      }
      if (Clock::now() > deadline)
        return fail("DatabaseFailed", spec.engine + " does not answer: " + last_lines(at.log(), 5), 500);
      std::this_thread::sleep_for(pause);
    }
  }

  const std::string data_dir_, root_;
  Processes& processes_;
  std::once_flag found_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::mutex parameters_mutex_;
  std::map<std::string, std::shared_ptr<const std::vector<DatabaseParameter>>> parameters_;
};

}  // namespace

std::unique_ptr<Databases> make_databases(const std::string& data_dir, Processes& processes) {
  return std::make_unique<RealDatabases>(data_dir, processes);
}

}  // namespace nubecita::host
