#include "http/server.hpp"

#include <csignal>
#include <future>
#include <map>
#include <mutex>

#include "base/log.hpp"
#include "http/listening.hpp"
#include "http/worker.hpp"

#include <boost/asio/dispatch.hpp>

namespace nubecita::http {
namespace {

struct Listener : std::enable_shared_from_this<Listener> {
  Listener(asio::io_context& ctx, std::shared_ptr<const Site> s)
      : site(std::move(s)), acceptor(ctx), pause(ctx) {}
  std::shared_ptr<const Site> site;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  bool closed = false;  // on the accepting worker's thread
};

}  // namespace

struct Server::Impl {
  Options options;
  Application& application;
  std::vector<std::shared_ptr<Worker>> workers;
  std::atomic<size_t> connections = 0;
  size_t next = 0;  // on worker 0's thread
  std::mutex mutex;
  std::map<uint64_t, std::shared_ptr<Listener>> listeners;
  uint64_t last_listener = 0;
  std::string address;
  bool running = false;

  Impl(Options o, Application& a) : options(std::move(o)), application(a) {
    for (int i = 0; i < std::max(1, options.threads); ++i)
      workers.push_back(std::make_shared<Worker>(connections));
  }

  // Listeners live on worker 0; their connections are dealt out in turn.
  void accept(std::shared_ptr<Listener> l) {
    if (l->closed) return;
    if (connections >= options.limits.connections) return retry(std::move(l));
    auto& worker = workers[next++ % workers.size()];
    auto& acceptor = l->acceptor;
    acceptor.async_accept(
        worker->ctx, [this, l = std::move(l), worker](ErrorCode ec, tcp::socket socket) mutable {
          if (l->closed) return;
          if (ec) {
            if (ec != asio::error::connection_aborted)
              log_warning("http", "cannot accept a connection: {}", ec.message());
            return ec == asio::error::connection_aborted ? accept(std::move(l)) : retry(std::move(l));
          }
          asio::dispatch(worker->ctx, [worker, site = l->site, s = std::move(socket)]() mutable {
            serve_socket(std::move(worker), std::move(site), std::move(s));
          });
          accept(std::move(l));
        });
  }
  void retry(std::shared_ptr<Listener> l) {
    auto& pause = l->pause;
    pause.expires_after(std::chrono::milliseconds(50));
    pause.async_wait([this, l = std::move(l)](ErrorCode ec) mutable {
      if (!ec) accept(std::move(l));
    });
  }

  // Runs `work` on a worker's thread and waits.
  static void on(Worker& worker, std::function<void()> work) {
    std::promise<void> done;
    asio::post(worker.ctx, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  Result<uint64_t> listen(const std::string& netns, const HostPort& where, Application& app,
                          bool plain_anywhere) {
    TRY_LET(int fd, open_listener(netns, where));
    auto site = std::make_shared<Site>();
    {
      std::lock_guard lock(mutex);
      site->listener = ++last_listener;
    }
    site->application = &app;
    site->plain_anywhere = plain_anywhere;
    site->limits = options.limits;
    site->authority = plain_anywhere ? nullptr : options.authority;
    auto l = std::make_shared<Listener>(workers[0]->ctx, site);
    ErrorCode ec;
    l->acceptor.assign(where.host.find(':') == std::string::npos ? tcp::v4() : tcp::v6(), fd, ec);
    if (ec) return fail("ListenFailed", "Cannot listen on " + where.host + ": " + ec.message() + ".");
    if (address.empty()) {
      auto local = l->acceptor.local_endpoint(ec);
      address = (where.host.find(':') == std::string::npos ? where.host : "[" + where.host + "]") + ":" +
                std::to_string(local.port());
    }
    {
      std::lock_guard lock(mutex);
      listeners[site->listener] = l;
    }
    asio::post(workers[0]->ctx, [this, l] { accept(l); });
    return site->listener;
  }
};

Server::Server(Options options, Application& application)
    : impl_(std::make_unique<Impl>(std::move(options), application)) {}

Server::~Server() { stop(); }

Status Server::start() {
  std::signal(SIGPIPE, SIG_IGN);  // a client that leaves is an error code, not the end of the process
  for (auto& text : impl_->options.listen) {
    TRY_LET(auto where, parse_host_port(text));
    ErrorCode ec;
    auto ip = asio::ip::make_address(where.host, ec);
    if (!ec && !ip.is_loopback() && !impl_->options.authority)
      return fail("ListenFailed", "Plain HTTP is refused on " + text +
                                      ", which is not a loopback address: TLS is needed there.");
    TRY(impl_->listen("", where, impl_->application, false));
  }
  for (auto& w : impl_->workers) w->thread = std::thread([w] { w->run(); });
  impl_->running = true;
  return {};
}

std::string Server::address() const { return impl_->address; }
int Server::port() const {
  return impl_->address.empty() ? 0 : std::stoi(impl_->address.substr(impl_->address.rfind(':') + 1));
}
size_t Server::connections() const { return impl_->connections; }

Result<uint64_t> Server::listen_in(const std::string& netns, const std::string& ip, int port,
                                   Application& application) {
  return impl_->listen(netns, {ip, port}, application, true);
}

void Server::close_listener(uint64_t handle) {
  std::shared_ptr<Listener> l;
  {
    std::lock_guard lock(impl_->mutex);
    auto it = impl_->listeners.find(handle);
    if (it == impl_->listeners.end()) return;
    l = it->second;
    impl_->listeners.erase(it);
  }
  if (!impl_->running) return;
  Impl::on(*impl_->workers[0], [&] {
    ErrorCode ec;
    l->closed = true;
    l->acceptor.close(ec);
    l->pause.cancel();
  });
  for (auto& w : impl_->workers) Impl::on(*w, [&] { w->drop_all(handle); });
}

void Server::stop() {
  if (!impl_->running) return;
  impl_->running = false;
  std::map<uint64_t, std::shared_ptr<Listener>> all;
  {
    std::lock_guard lock(impl_->mutex);
    all.swap(impl_->listeners);
  }
  Impl::on(*impl_->workers[0], [&] {
    for (auto& [id, l] : all) {
      ErrorCode ec;
      l->closed = true;
      l->acceptor.close(ec);
      l->pause.cancel();
    }
  });
  for (auto& w : impl_->workers) {
    Impl::on(*w, [&] {
      w->drop_all({});
      w->ticker.cancel();
      w->stopped = true;
      w->guard.reset();
    });
  }
  for (auto& w : impl_->workers) w->thread.join();
}

}  // namespace nubecita::http
