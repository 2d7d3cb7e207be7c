/// @file A runner that only talks: answers hello and ping, echoes tasks, and misbehaves on request.
#include "core/wire/frame.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using gpustack::wire::Frame;
using gpustack::wire::FrameType;

void send(FrameType type, std::uint32_t id, std::string payload) {
  Frame frame;
  frame.type = type;
  frame.id = id;
  frame.payload = std::move(payload);
  std::string bytes;
  gpustack::wire::append_frame(bytes, frame);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(1, bytes.data() + done, bytes.size() - done);
    if (count <= 0) std::exit(1);
    done += static_cast<std::size_t>(count);
  }
}

void run_task(const Frame& task) {
  const std::string& what = task.payload;
  if (what == "die") {
    std::fputs("the fake runner was told to die\n", stderr);
    std::exit(3);
  }
  if (what == "kill") ::raise(SIGKILL);
  if (what == "stop") ::raise(SIGSTOP);
  if (what == "garbage") {
    const std::string garbage(64, '\xff');
    if (::write(1, garbage.data(), garbage.size()) < 0) std::exit(1);
    return;
  }
  if (what.starts_with("flood ")) {
    const std::size_t pieces = std::stoul(what.substr(6));
    for (std::size_t i = 0; i < pieces; ++i)
      send(FrameType::data, task.id, std::string(65536, 'x'));
  }
  send(FrameType::result, task.id, what == "pid" ? std::to_string(::getpid()) : what);
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::strcmp(arguments[1], "version") == 0) return 0;
  if (count < 4 || std::strcmp(arguments[1], "serve") != 0 ||
      std::strcmp(arguments[count - 2], "--hash") != 0)
    return 2;
  gpustack::wire::FrameDecoder decoder;
  char piece[65536];
  for (;;) {
    const ssize_t got = ::read(0, piece, sizeof piece);
    if (got <= 0) return 0;
    decoder.feed(std::string_view(piece, static_cast<std::size_t>(got)));
    for (;;) {
      auto frame = decoder.next();
      if (!frame) return 4;
      if (!*frame) break;
      switch ((*frame)->type) {
        case FrameType::hello:
          send(FrameType::hello_reply, 0, "hello " + (*frame)->payload);
          break;
        case FrameType::ping:
          send(FrameType::pong, 0, {});
          break;
        case FrameType::task:
          run_task(**frame);
          break;
        case FrameType::bye:
          return 0;
        default:
          break;
      }
    }
  }
}
