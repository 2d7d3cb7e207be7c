#pragma once
/// @file A child runner behind sudo, su or doas: from the first prompt to the last frame.

#include "core/wire/session.hpp"
#include "modules/runner/become_command.hpp"
#include "modules/runner/channel.hpp"
#include "modules/runner/own_file.hpp"

#include <poll.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::runner {

/// States: asking (prompts, until the child's mark) -> greeting (until its hello_reply) -> open ->
/// closed. Thread: main.
class ChildLink {
 public:
  enum class State { asking, greeting, open, closed };
  using Clock = std::chrono::steady_clock;

  ChildLink(std::uint16_t lane, wire::OpenBecome request, wire::Hello hello);
  ChildLink(const ChildLink&) = delete;
  ChildLink& operator=(const ChildLink&) = delete;
  ~ChildLink();

  /// Starts the method's program. Trouble shows in state() and error().
  void start();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::uint16_t lane() const { return lane_; }
  [[nodiscard]] const std::string& user() const { return request_.user; }
  /// Why the lane is closed; empty while it is not, or when it was asked to close.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] const wire::HelloReply& identity() const { return identity_; }
  /// The become method's; empty where the user stays.
  [[nodiscard]] const BecomeCommand& command() const { return command_; }

  void add_poll(std::vector<pollfd>& wanted) const;
  [[nodiscard]] std::optional<Clock::time_point> deadline() const;
  /// Reads and writes what is possible, moves on in the handshake.
  void turn();
  /// Frames from an open child, as they came.
  std::vector<wire::Frame> take_frames();
  /// For the child; its lane there is 0.
  void send(wire::Frame frame);

  /// Ends the child by closing its input; it finishes by its own rules.
  void close_input();
  /// Whether the child's process has ended (also collects it).
  bool has_ended();

 private:
  void start_with(bool terminal);
  Result<std::vector<std::string>> runner_command();
  Result<void> open_streams(
      bool terminal, int& input, int& output, int& errors, modules::Descriptor& keep);
  void read_errors();
  /// Reads what comes before the child's own stream. @return false at the end
  bool read_to_mark();
  void look_for_mark();
  void answer_prompt();
  void take_greeting();
  void collect_frames();
  void ended_early();
  /// Gives up when the program behind the method has said nothing for too long.
  void end_silence();
  void fail(const std::string& message);
  [[nodiscard]] std::string shown_text() const;
  void forget_password();

  std::uint16_t lane_;
  wire::OpenBecome request_;
  wire::Hello hello_;
  std::string nonce_;
  BecomeCommand command_;
  OwnFile own_file_;
  State state_ = State::asking;
  bool terminal_ = false;
  bool tried_terminal_ = false;
  bool password_sent_ = false;
  bool reached_end_ = false;
  Channel channel_;
  modules::Descriptor errors_;
  std::string before_mark_;  ///< what came before the mark on the stream that will carry frames
  std::string prompts_;      ///< where prompts show: standard error, or the terminal
  std::string transcript_;   ///< everything it said, for the error message
  Clock::time_point last_sign_;
  int pid_ = -1;
  bool ended_ = true;
  int status_ = 0;
  wire::HelloReply identity_;
  std::optional<Error> error_;
  std::vector<wire::Frame> frames_;
};

}  // namespace gpustack::runner
