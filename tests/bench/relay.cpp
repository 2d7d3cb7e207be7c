// A slow link to hosts, for kernels that cannot delay packets: forwards TCP, each direction with a
// fixed delay and at most so many bytes a second.
//
//   bench_relay DELAY_US BYTES_PER_SECOND LISTEN=TARGET...     IPv4 addresses, port 22; 0 = no
//   limit
//
// Prints `ready` when it listens. A line on its standard input is answered with one JSON object of
// counts; the end of the input ends it, so that it outlives nobody. A program of its own, not a
// script: it shares the machine's cores with what it measures.
#include "tests/bench/link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using gpustack::bench::Link;

constexpr auto kAsResult = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPiece = 64U << 10U;
/// Bytes under way in one direction of one connection before its sender has to wait, as a socket's
/// buffers would make it.
constexpr std::size_t kMostUnderWay = 4U << 20U;

struct Host {
  tcp::endpoint listen, target;
  Link to, from;
};

/// Bytes on their way from one socket to the other.
/// Thread: the only one.
struct Direction {
  struct Piece {
    Link::Time due;
    std::string bytes;  ///< empty: the sender has ended
  };

  Direction(tcp::socket& source, tcp::socket& sink, Link& way)
      : in(source),
        out(sink),
        link(way),
        arrived(source.get_executor()),
        drained(source.get_executor()) {}

  tcp::socket& in;
  tcp::socket& out;
  Link& link;
  std::deque<Piece> pieces;
  std::size_t under_way = 0;
  asio::steady_timer arrived, drained;  ///< never expire; cancelling them wakes who waits
};

struct Connection {
  Connection(tcp::socket accepted, Host& host)
      : client(std::move(accepted)),
        server(client.get_executor()),
        to(client, server, host.to),
        from(server, client, host.from) {}

  void close() {
    boost::system::error_code ignored;
    client.close(ignored);
    server.close(ignored);
    for (Direction* one : {&to, &from}) {
      one->arrived.cancel();
      one->drained.cancel();
    }
  }

  tcp::socket client, server;
  Direction to, from;
};

using Shared = std::shared_ptr<Connection>;  // two coroutines for each direction hold it

asio::awaitable<void> wait(asio::steady_timer& timer) {
  timer.expires_at(asio::steady_timer::time_point::max());
  co_await timer.async_wait(kAsResult);
}

asio::awaitable<void> take(Shared connection, Direction& direction) {
  std::string buffer(kPiece, '\0');
  while (connection->client.is_open()) {
    if (direction.under_way >= kMostUnderWay) {
      co_await wait(direction.drained);
      continue;
    }
    const auto [error, size] =
        co_await direction.in.async_read_some(asio::buffer(buffer), kAsResult);
    const auto now = std::chrono::steady_clock::now();
    direction.under_way += size;
    direction.pieces.push_back({direction.link.arrival(now, size), buffer.substr(0, size)});
    direction.arrived.cancel();
    if (error) {
      if (size > 0) direction.pieces.push_back({direction.link.arrival(now, 0), std::string()});
      co_return;
    }
  }
}

asio::awaitable<void> give(Shared connection, Direction& direction) {
  asio::steady_timer clock(direction.out.get_executor());
  while (connection->client.is_open()) {
    if (direction.pieces.empty()) {
      co_await wait(direction.arrived);
      continue;
    }
    const Direction::Piece piece = std::move(direction.pieces.front());
    direction.pieces.pop_front();
    clock.expires_at(piece.due);
    co_await clock.async_wait(kAsResult);
    if (piece.bytes.empty()) {
      boost::system::error_code ignored;
      direction.out.shutdown(tcp::socket::shutdown_send, ignored);
      co_return;
    }
    const auto [error, size] =
        co_await asio::async_write(direction.out, asio::buffer(piece.bytes), kAsResult);
    direction.under_way -= piece.bytes.size();
    direction.drained.cancel();
    if (error) connection->close();
  }
}

/// Opens the other half. The kernel answered the client's SYN at once: the round trip that this
/// would have taken, and the way of the client's answer, are waited for here.
asio::awaitable<void> serve(Shared connection, Host& host) {
  asio::steady_timer clock(connection->client.get_executor());
  clock.expires_after(3 * host.to.delay());
  co_await clock.async_wait(kAsResult);
  const auto [error] = co_await connection->server.async_connect(host.target, kAsResult);
  if (error) {
    connection->close();
    co_return;
  }
  boost::system::error_code ignored;
  connection->client.set_option(tcp::no_delay(true), ignored);
  connection->server.set_option(tcp::no_delay(true), ignored);
  const auto executor = connection->client.get_executor();
  for (Direction* one : {&connection->to, &connection->from}) {
    asio::co_spawn(executor, take(connection, *one), asio::detached);
    asio::co_spawn(executor, give(connection, *one), asio::detached);
  }
}

asio::awaitable<void> accept(tcp::acceptor acceptor, Host& host, std::uint64_t& connections) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(kAsResult);
    if (error) throw boost::system::system_error(error, "accept");
    ++connections;
    auto connection = std::make_shared<Connection>(std::move(socket), host);
    asio::co_spawn(acceptor.get_executor(), serve(std::move(connection), host), asio::detached);
  }
}

asio::awaitable<void> answer(asio::io_context& context,
                             const std::vector<Host>& hosts,
                             const std::uint64_t& connections) {
  asio::posix::stream_descriptor input(context, ::dup(STDIN_FILENO));
  asio::streambuf line;
  for (;;) {
    const auto [error, size] = co_await asio::async_read_until(input, line, '\n', kAsResult);
    if (error) break;
    line.consume(size);
    std::uint64_t to = 0, from = 0;
    for (const Host& host : hosts) {
      to += host.to.bytes();
      from += host.from.bytes();
    }
    std::cout << "{\"to_hosts\": " << to << ", \"from_hosts\": " << from
              << ", \"connections\": " << connections << "}" << std::endl;
  }
  context.stop();
}

tcp::endpoint endpoint(const std::string& text) {
  const std::size_t colon = text.find(':');
  const int port = std::stoi(text.substr(colon + 1));
  return {asio::ip::make_address_v4(text.substr(0, colon)), static_cast<unsigned short>(port)};
}

void run(const std::vector<std::string>& words) {
  const std::chrono::microseconds delay(std::stoll(words.at(0)));
  const Link link(delay, std::stoull(words.at(1)));
  std::vector<Host> hosts;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::size_t middle = words[i].find('=');
    hosts.push_back(
        {endpoint(words[i].substr(0, middle)), endpoint(words[i].substr(middle + 1)), link, link});
  }
  asio::io_context context(1);
  std::uint64_t connections = 0;
  std::cout << "ready";
  for (Host& host : hosts) {
    tcp::acceptor acceptor(context, host.listen);
    std::cout << " " << acceptor.local_endpoint().port();
    asio::co_spawn(context, accept(std::move(acceptor), host, connections), asio::detached);
  }
  asio::co_spawn(context, answer(context, hosts, connections), asio::detached);
  std::cout << std::endl;
  context.run();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) {
    std::cerr << "usage: bench_relay DELAY_US BYTES_PER_SECOND LISTEN=TARGET...\n";
    return 2;
  }
  try {
    run(words);
  } catch (const std::exception& error) {
    std::cerr << "bench_relay: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
