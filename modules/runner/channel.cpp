#include "modules/runner/channel.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace gpustack::runner {

void set_non_blocking(int descriptor) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

Channel::Channel(modules::Descriptor input, modules::Descriptor output)
    : input_(std::move(input)), output_(std::move(output)) {}

void Channel::send(const wire::Frame& message) {
  if (output_.is_open()) wire::append_message(pending_, message);
}

void Channel::send_frame(const wire::Frame& frame) {
  if (output_.is_open()) wire::append_frame(pending_, frame);
}

void Channel::write_some() {
  while (wants_to_write()) {
    const ssize_t written =
        ::write(output_.get(), pending_.data() + sent_, pending_.size() - sent_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) break;
    if (written < 0) {
      output_.reset();
      pending_.clear();
      sent_ = 0;
      return;
    }
    sent_ += static_cast<std::size_t>(written);
  }
  if (sent_ == pending_.size()) {
    pending_.clear();
    sent_ = 0;
  } else if (sent_ > (1U << 20U)) {
    pending_.erase(0, sent_);
    sent_ = 0;
  }
}

bool Channel::read_some() {
  while (true) {
    // What is left in a full buffer waits for the next turn, so that others get theirs.
    const ssize_t got = ::read(input_.get(), buffer_.get(), kPiece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;  // also EIO: the other side of a terminal is gone
    decoder_.feed(std::string_view(buffer_.get(), static_cast<std::size_t>(got)));
    return true;
  }
}

}  // namespace gpustack::runner
