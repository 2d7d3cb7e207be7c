#include "core/transport/agent.hpp"

#include "core/async/net.hpp"
#include "core/async/task_group.hpp"
#include "core/async/timeout.hpp"
#include "core/transport/digest.hpp"
#include "core/transport/file_io.hpp"
#include "core/transport/known_hosts.hpp"

#include <fmt/format.h>

#include <sys/socket.h>

#include <cerrno>

namespace gpustack::transport {

namespace {

using Local = asio::local::stream_protocol;

constexpr std::uint32_t kLargestMessage = 256U << 10U;
constexpr char kFailure = 5;
constexpr char kListKeys = 11;
constexpr char kKeyList = 12;
constexpr char kSign = 13;

void append_u32(std::string& out, std::size_t number) {
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    out += static_cast<char>((number >> shift) & 0xFFU);
}

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8U | static_cast<unsigned char>(bytes[i]);
  return number;
}

/// Takes a length-prefixed string off the front.
bool take_string(std::string_view& rest, std::string& out) {
  if (rest.size() < 4 || read_u32(rest) > rest.size() - 4) return false;
  const std::uint32_t length = read_u32(rest);
  out = rest.substr(4, length);
  rest.remove_prefix(4 + length);
  return true;
}

Error agent_trouble(std::string_view what) {
  return Error(ErrorCode::unreachable, fmt::format("the ssh agent {}", what));
}

Async<std::string> read_message(Local::socket& socket) {  // outlived by: the caller's frame
  char header[4];
  const auto [failure, count] =
      co_await asio::async_read(socket, asio::buffer(header), async::kAsResult);
  if (co_await async::is_cancelled()) co_return async::cancelled_error();
  if (failure) co_return agent_trouble("hung up");
  const std::uint32_t length = read_u32(std::string_view(header, 4));
  if (length == 0 || length > kLargestMessage)
    co_return agent_trouble("sent a message of impossible size");
  std::string message(length, '\0');
  const auto [body_failure, body_count] =
      co_await asio::async_read(socket, asio::buffer(message), async::kAsResult);
  if (co_await async::is_cancelled()) co_return async::cancelled_error();
  if (body_failure) co_return agent_trouble("hung up in the middle of a message");
  co_return message;
}

Async<void> write_message(Local::socket& socket,
                          std::string body) {  // outlived by: the caller's frame
  std::string message;
  append_u32(message, body.size());
  message += body;
  if (co_await async::is_cancelled()) co_return async::cancelled_error();
  const auto [failure, count] =
      co_await asio::async_write(socket, asio::buffer(message), async::kAsResult);
  if (co_await async::is_cancelled()) co_return async::cancelled_error();
  if (failure) co_return agent_trouble("hung up");
  co_return Result<void>();
}

Async<void> connect_agent(Local::socket& socket,
                          std::string path) {  // outlived by: the caller's frame
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    co_return agent_trouble("has a socket path that is too long");
  const Local::endpoint endpoint(path);
  const auto [failure] = co_await socket.async_connect(endpoint, async::kAsResult);
  if (co_await async::is_cancelled()) co_return async::cancelled_error();
  if (failure)
    co_return agent_trouble(fmt::format("at '{}' does not answer: {}", path, failure.message()));
  co_return Result<void>();
}

Async<std::string> ask(Local::socket& socket,
                       std::string request) {  // outlived by: the caller's frame
  auto writing = write_message(socket, std::move(request));
  GS_CO_TRY_VOID(co_await std::move(writing));
  co_return co_await read_message(socket);
}

/// What the agent of ours has been asked for.
struct ProxyLog {
  std::size_t signatures = 0;
  std::size_t last_signed = 0;
};

/// Serves libssh's end of the socket pair: lists the chosen keys, passes sign requests on to the
/// real agent.
Async<void> serve_proxy(Local::socket& here,  // outlived by: the caller's frame, like the rest
                        Local::socket& agent,
                        const std::vector<AgentKey>& keys,
                        ProxyLog& log) {
  for (;;) {
    auto reading = read_message(here);
    GS_CO_TRY(std::string request, co_await std::move(reading));
    std::string reply(1, kFailure);
    if (request[0] == kListKeys) {
      reply.assign(1, kKeyList);
      append_u32(reply, keys.size());
      for (const AgentKey& key : keys) {
        append_u32(reply, key.blob.size());
        reply += key.blob;
        append_u32(reply, key.comment.size());
        reply += key.comment;
      }
    } else if (request[0] == kSign) {
      std::string_view rest = std::string_view(request).substr(1);
      std::string blob;
      if (take_string(rest, blob)) {
        for (std::size_t i = 0; i < keys.size(); ++i) {
          if (keys[i].blob == blob) log.last_signed = i + 1;
        }
      }
      auto asking = ask(agent, std::move(request));
      GS_CO_TRY(reply, co_await std::move(asking));
      if (!reply.empty() && reply[0] != kFailure) ++log.signatures;
    }
    auto writing = write_message(here, std::move(reply));
    GS_CO_TRY_VOID(co_await std::move(writing));
  }
}

/// The calls into libssh, on the pool. The job shares the handle, so that a stopped caller may
/// leave.
Async<int> drive_agent_calls(std::shared_ptr<SshSession> session, async::Pool& pool) {
  for (;;) {
    if (session->failure()) co_return *session->failure();
    auto call = [handle = session->handle()] {
      return Result<int>(ssh_userauth_agent(handle->session(), nullptr));
    };
    auto work = async::on_pool(pool, std::move(call));
    GS_CO_TRY(const int rc, co_await std::move(work));
    if (rc != SSH_AUTH_AGAIN) co_return rc;
    auto waiting = session->wait();
    GS_CO_TRY_VOID(co_await std::move(waiting));
  }
}

}  // namespace

std::string AgentKey::text() const {
  const std::string print = fingerprint(HostKey{"", base64_encode(blob)});
  return comment.empty() ? print : fmt::format("{} ({})", comment, print);
}

Async<std::vector<AgentKey>> list_agent_keys(std::string socket_path) {
  Local::socket socket(co_await asio::this_coro::executor);
  auto connecting = connect_agent(socket, std::move(socket_path));
  GS_CO_TRY_VOID(co_await std::move(connecting));
  std::string request(1, kListKeys);
  auto asking = ask(socket, std::move(request));
  GS_CO_TRY(const std::string reply, co_await std::move(asking));
  std::string_view rest = reply;
  if (rest.size() < 5 || rest[0] != kKeyList) co_return agent_trouble("does not list its keys");
  const std::uint32_t count = read_u32(rest.substr(1));
  rest.remove_prefix(5);
  std::vector<AgentKey> keys;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string blob;
    std::string comment;
    if (!take_string(rest, blob) || !take_string(rest, comment))
      co_return agent_trouble("sent a broken list of keys");
    keys.emplace_back(std::move(blob), std::move(comment));
  }
  co_return keys;
}

Async<AgentOutcome> authenticate_by_agent(std::shared_ptr<SshSession> session,
                                          async::Pool& pool,
                                          std::string socket_path,
                                          std::vector<AgentKey> keys) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  Local::socket agent(executor);
  auto connecting = connect_agent(agent, std::move(socket_path));
  GS_CO_TRY_VOID(co_await std::move(connecting));
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    co_return agent_trouble(errno_text(errno));
  FileHandle theirs(ends[1]);
  Local::socket here(executor, Local(), ends[0]);
  // libssh owns its end from now on and closes it with the session.
  if (ssh_set_agent_socket(session->raw(), theirs.get()) != SSH_OK)
    co_return agent_trouble("cannot be handed to libssh");
  theirs.release();
  ProxyLog log;
  async::TaskGroup proxy(executor, 1);
  proxy.spawn_now(serve_proxy(here, agent, keys, log));
  auto calls = drive_agent_calls(session, pool);
  const Result<int> rc = co_await std::move(calls);
  SystemError ignored;
  here.close(ignored);
  proxy.stop();
  const Result<void> joined = co_await proxy.join();  // always ends with an error: it was stopped
  if (!rc) co_return rc.error();
  AgentOutcome outcome;
  outcome.code = *rc;
  outcome.has_signed = log.signatures > 0;
  outcome.tried =
      *rc == SSH_AUTH_SUCCESS || *rc == SSH_AUTH_PARTIAL ? log.last_signed : keys.size();
  co_return outcome;
}

}  // namespace gpustack::transport
