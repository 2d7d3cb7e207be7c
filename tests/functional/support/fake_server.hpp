#pragma once
/// @file A TCP server on 127.0.0.1 that does to each guest what a test says.

#include <unistd.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace gpustack::testing_support {

class FakeServer {
 public:
  /// @param treat  gets the connected socket; it is closed when treat returns
  explicit FakeServer(std::function<void(int)> treat) : treat_(std::move(treat)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    ::listen(listener_, 16);
    thread_ = std::thread([this] { serve(); });
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer() {
    ends_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (std::thread& guest : guests_) guest.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  int guests() const { return count_; }
  bool ends() const { return ends_; }

 private:
  void serve() {
    for (;;) {
      const int guest = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (guest < 0) return;
      ++count_;
      guests_.emplace_back([this, guest] {
        treat_(guest);
        ::close(guest);
      });
    }
  }

  std::function<void(int)> treat_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
  std::vector<std::thread> guests_;
  std::atomic<int> count_ = 0;
  std::atomic<bool> ends_ = false;
};

}  // namespace gpustack::testing_support
