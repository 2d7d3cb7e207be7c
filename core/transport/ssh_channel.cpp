#include "core/transport/ssh_session.hpp"

#include <algorithm>

namespace gpustack::transport {

SshChannel::SshChannel(std::shared_ptr<SshSession> session, Consumer consumer)
    : session_(std::move(session)),
      consumer_(std::move(consumer)),
      changed_(session_->executor()) {}

void SshChannel::queue(std::string_view bytes) {
  if (sent_ > 0 && sent_ * 2 >= queue_.size()) {
    queue_.erase(0, sent_);
    sent_ = 0;
  }
  queue_ += bytes;
}

void SshChannel::write(std::string_view bytes) {
  queue(bytes);
  session_->kick();
}

void SshChannel::write_soon(std::string_view bytes) {
  queue(bytes);
  session_->kick_soon();
}

void SshChannel::hurry() {
  if (queued() > 0) session_->kick();
}

void SshChannel::end_input() {
  wants_eof_ = true;
  session_->kick();
}

const std::optional<Error>& SshChannel::failure() const { return session_->failure(); }

void SshChannel::install_callbacks() {
  ssh_callbacks_init(&callbacks_);
  callbacks_.userdata = this;
  callbacks_.channel_data_function = &SshChannel::on_data;
  callbacks_.channel_close_function = &SshChannel::on_close;
  callbacks_.channel_exit_status_function = &SshChannel::on_exit_status;
  callbacks_.channel_exit_signal_function = &SshChannel::on_exit_signal;
  ssh_set_channel_callbacks(channel_, &callbacks_);
}

int SshChannel::on_data(
    ssh_session, ssh_channel, void* data, std::uint32_t length, int is_stderr, void* self) {
  auto* channel = static_cast<SshChannel*>(self);
  // All of it (L15): bytes left inside libssh would pile up there without our seeing it.
  (is_stderr != 0 ? channel->err_ : channel->out_).append(static_cast<const char*>(data), length);
  return static_cast<int>(length);
}

void SshChannel::on_close(ssh_session, ssh_channel, void* self) {
  static_cast<SshChannel*>(self)->was_closed_ = true;
}

void SshChannel::on_exit_status(ssh_session, ssh_channel, int status, void* self) {
  static_cast<SshChannel*>(self)->exit_.code = status;
}

void SshChannel::on_exit_signal(
    ssh_session, ssh_channel, const char* signal, int, const char*, const char*, void* self) {
  static_cast<SshChannel*>(self)->exit_.signal = signal == nullptr ? "" : signal;
}

void SshChannel::deliver() {
  if (has_ended_) return;
  const std::string out = std::exchange(out_, {});
  const std::string err = std::exchange(err_, {});
  if (consumer_ && !err.empty()) consumer_(Stream::err, err);
  if (consumer_ && !out.empty()) consumer_(Stream::out, out);
  if (was_closed_ || session_->failure()) has_ended_ = true;
  if (has_ended_ || !out.empty() || !err.empty()) changed_.notify_all();
}

bool SshChannel::flush(ssh_session session) {
  constexpr std::size_t kPiece = 32U << 10U;
  constexpr std::size_t kKeptCapacity = 16U << 10U;
  bool has_given = false;
  if (!may_write_ || was_closed_) return false;
  while (queued() > 0 && (ssh_get_status(session) & SSH_WRITE_PENDING) == 0) {
    const std::size_t piece = std::min(kPiece, queued());
    const int taken =
        ssh_channel_write(channel_, queue_.data() + sent_, static_cast<std::uint32_t>(piece));
    if (taken <= 0)
      break;  // 0: the window is closed or keys are being renewed; an error shows at the next poll
    sent_ += static_cast<std::size_t>(taken);
    has_given = true;
  }
  if (queued() == 0) {
    // An upload's memory goes back: five hundred hosts would keep a runner's worth each.
    if (queue_.capacity() > kKeptCapacity) queue_ = std::string();
    queue_.clear();
    sent_ = 0;
    if (wants_eof_ && !sent_eof_) {
      ssh_channel_send_eof(channel_);
      sent_eof_ = true;
      has_given = true;
    }
  }
  if (has_given) changed_.notify_all();
  return has_given;
}

}  // namespace gpustack::transport
