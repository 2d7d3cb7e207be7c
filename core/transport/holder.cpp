#include "core/transport/holder.hpp"

#include "core/async/timeout.hpp"
#include "core/transport/hold_client.hpp"

#include <unistd.h>

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace gpustack::transport {

namespace {

constexpr std::size_t kMostGuests = 16;
/// After the last client has gone.
constexpr std::chrono::milliseconds kQuiet{100};
constexpr auto kNever = async::Clock::time_point::max();
constexpr std::size_t kMostReadyOutput = 256U << 10U;
/// For a client to read why its connection ends.
constexpr std::chrono::seconds kLastWords{1};

std::int64_t seconds_of(async::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

HeldEntry::HeldEntry(const asio::any_io_executor& executor,
                     HeldConnection connection,
                     HoldListener listens)
    : held(std::move(connection)),
      listener(executor, listens.socket.release()),
      inode(listens.inode),
      changed(executor),
      idle_since(async::Clock::now()) {}

HeldInfo HeldEntry::info() const {
  HeldInfo info = held.info;
  info.idle = client != nullptr ? -1 : seconds_of(async::Clock::now() - idle_since);
  info.process = ::getpid();
  return info;
}

void HeldEntry::end() {
  is_over = true;
  changed.notify_all();
}

void HeldEntry::drop_ready() {
  if (ready == nullptr) return;
  session().release(ready->channel);
  ready.reset();
}

Holder::Holder(HeldConnections held)
    : held_(std::move(held)),
      executor_(held_.context->get_executor()),
      watching_(executor_, 1),
      serving_(executor_, 1) {}

Holder::~Holder() = default;

std::size_t Holder::listen() {
  held_.folder.sweep();
  for (HeldConnection& connection : std::exchange(held_.connections, {})) {
    auto listener = held_.folder.listen(connection.name);
    if (!listener) continue;
    entries_.push_back(
        std::make_shared<HeldEntry>(executor_, std::move(connection), std::move(*listener)));
  }
  return entries_.size();
}

void Holder::serve() {
  auto work = run();
  static_cast<void>(async::run_to_end(*held_.context, std::move(work)));
}

void Holder::abandon() {
  for (const auto& entry : entries_) {
    entry->session().abandon();
    for (const auto& jump : entry->held.jumps) jump->session().abandon();
  }
}

Async<void> Holder::run() {
  for (const auto& entry : entries_) {
    watching_.spawn_now(watch(entry));
    serving_.spawn_now(accept(entry));
  }
  static_cast<void>(co_await watching_.join());
  serving_.stop();  // guests that have come to look
  co_return co_await serving_.join();
}

void Holder::stop() {
  for (const auto& entry : entries_) entry->end();
}

async::Clock::time_point Holder::prepares_at() const {
  auto latest = async::Clock::time_point::min();
  for (const auto& entry : entries_) {
    if (entry->client != nullptr && !entry->is_over) return kNever;
    latest = std::max(latest, entry->idle_since);
  }
  return latest + kQuiet;
}

/// Who waited for the end of a run may prepare now.
void Holder::tell_others() {
  if (prepares_at() == kNever) return;
  for (const auto& other : entries_) other->changed.notify_all();
}

Async<void> Holder::watch(std::shared_ptr<HeldEntry> entry) {
  entry->session().on_failure([weak = std::weak_ptr<HeldEntry>(entry)] {
    if (const auto owner = weak.lock()) owner->changed.notify_all();
  });
  auto next_ping = async::Clock::now() + held_.ping_interval;
  bool was_used = false;
  while (!entry->is_over && !entry->session().failure()) {
    const auto now = async::Clock::now();
    const bool is_idle = entry->client == nullptr;
    const auto idle_until = entry->idle_since + entry->held.time;
    // Where a newer login has taken its name, nobody will come for this one.
    if (is_idle && (now >= idle_until || !held_.folder.leads_to(entry->held.name, entry->inode)))
      break;
    if (std::exchange(was_used, !is_idle) && is_idle) tell_others();
    const bool lacks_ready = is_idle && !entry->is_preparing && entry->ready == nullptr &&
                             !entry->held.start_command.empty();
    const auto prepares = lacks_ready ? prepares_at() : kNever;
    if (now >= prepares) {
      entry->is_preparing = true;
      serving_.spawn_now(prepare(entry));
      continue;
    }
    if (now >= next_ping) {
      if (!entry->session().ping()) break;
      next_ping = now + held_.ping_interval;
    }
    auto deadline = std::min(next_ping, prepares);
    if (is_idle) deadline = std::min(deadline, idle_until);
    GS_CO_TRY_VOID(co_await entry->changed.wait_until(deadline));
  }
  auto ending = close(entry);
  co_return co_await std::move(ending);
}

Async<void> Holder::close(std::shared_ptr<HeldEntry> entry) {
  entry->is_over = true;
  held_.folder.remove(entry->held.name, entry->inode);
  SystemError ignored;
  entry->listener.close(ignored);
  const auto& failure = entry->session().failure();
  const std::string reason = failure ? failure->message() : "the held connection was ended";
  if (entry->client != nullptr) entry->client->end(reason);
  const auto told_by = async::Clock::now() + kLastWords;
  while (entry->client != nullptr && async::Clock::now() < told_by)
    GS_CO_TRY_VOID(co_await entry->changed.wait_until(told_by));
  entry->drop_ready();
  entry->session().close();
  entry->held.jumps.clear();
  co_return Result<void>();
}

/// Starts a runner for the next client, which then finds it waiting for its greeting.
Async<void> Holder::prepare(std::shared_ptr<HeldEntry> entry) {
  const auto ready = std::make_shared<ReadyCommand>();
  ready->command = entry->held.start_command;
  // Lives as long as the channel, whoever has that.
  Pipe::Consumer consumer = [ready, weak = std::weak_ptr<HeldEntry>(entry)](
                                Stream stream, std::string_view bytes) {
    if (ready->sink) return ready->sink(stream, bytes);
    (stream == Stream::err ? ready->err : ready->out) += bytes;
    const auto owner = weak.lock();
    // A login that talks that much is for somebody to look at.
    if (owner != nullptr && ready->err.size() + ready->out.size() > kMostReadyOutput) owner->end();
  };
  auto opening = entry->session().open_channel(std::move(consumer));
  Error late(ErrorCode::transport_timeout, "the held connection opens no channel");
  auto limited = async::with_timeout(kOpenLimit, std::move(opening), std::move(late));
  const Result<std::shared_ptr<SshChannel>> opened = co_await std::move(limited);
  if (opened) {
    auto starting = entry->session().start(*opened, ready->command, {});
    Error silent(ErrorCode::transport_timeout, "the held connection starts no command");
    auto starting_limited = async::with_timeout(kOpenLimit, std::move(starting), std::move(silent));
    const Result<void> started = co_await std::move(starting_limited);
    if (started && !entry->is_over) {
      ready->channel = *opened;
      entry->ready = ready;
    } else {
      entry->held.start_command.clear();
      entry->session().release(*opened);
    }
  }
  entry->is_preparing = false;
  if (!opened) entry->end();
  entry->changed.notify_all();
  co_return Result<void>();
}

Async<void> Holder::accept(std::shared_ptr<HeldEntry> entry) {
  while (!entry->is_over) {
    const auto [failure] = co_await entry->listener.async_wait(
        asio::posix::stream_descriptor::wait_read, async::kAsResult);
    if (failure || entry->is_over) break;
    FileHandle socket(
        ::accept4(entry->listener.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.is_open() && errno != EAGAIN && errno != ECONNABORTED) {
      // Out of descriptors: the guest waits.
      GS_CO_TRY_VOID(co_await async::sleep_for(std::chrono::milliseconds(100)));
    }
    if (!socket.is_open() || !is_peer_own(socket.get()) || entry->guests >= kMostGuests) continue;
    serving_.spawn_now(
        HoldClient::serve(std::make_shared<HoldClient>(executor_, entry, std::move(socket))));
  }
  co_return Result<void>();
}

}  // namespace gpustack::transport
