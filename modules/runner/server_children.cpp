// The runner's children: runners of other users, each behind its own lane.
#include "modules/runner/server.hpp"
#include "modules/sdk/module.hpp"

#include <poll.h>

namespace gpustack::runner {

using wire::Frame;
using wire::FrameType;

bool Server::dispatch_to_child(Waiting& waiting) {
  ChildLink* child = child_of(waiting.frame.lane);
  if (child != nullptr &&
      (child->state() == ChildLink::State::asking || child->state() == ChildLink::State::greeting))
    return false;
  begin(waiting);
  if (child == nullptr || child->state() != ChildLink::State::open) {
    const Error why =
        child != nullptr && child->error()
            ? *child->error()
            : Error(ErrorCode::protocol,
                    "lane " + std::to_string(waiting.frame.lane) + " was never opened");
    finish(wire::make_result(waiting.frame.lane, waiting.frame.id, modules::failure(why)));
    return true;
  }
  Frame frame = waiting.frame;
  std::uint64_t& known = facts_known_[waiting.frame.lane];
  if (waiting.task.facts.is_null() && known < facts_version_) {
    waiting.task.facts = facts_;
    known = facts_version_;
    frame = wire::make_task(waiting.frame.lane, waiting.frame.id, waiting.task);
  }
  child->send(std::move(frame));
  return true;
}

ChildLink* Server::child_of(std::uint16_t lane) {
  const auto found = children_.find(lane);
  return found == children_.end() ? nullptr : found->second.get();
}

void Server::turn_children() {
  for (const auto& [lane, child] : children_) {
    child->turn();
    announce(*child);
    for (Frame& frame : child->take_frames()) on_child_frame(*child, std::move(frame));
    if (child->state() == ChildLink::State::closed && running_ && running_->lane == lane) {
      const Error why = child->error()
                            ? *child->error()
                            : Error(ErrorCode::become_failed, "the child runner has ended");
      finish(wire::make_result(lane, running_->id, modules::failure(why)));
    }
  }
}

void Server::announce(ChildLink& child) {
  using enum ChildLink::State;
  if (announced_[child.lane()] || child.state() == asking || child.state() == greeting) return;
  announced_[child.lane()] = true;
  wire::BecomeReply reply;
  reply.command = shown_command(child.command());
  if (child.state() == open) {
    reply.uid = child.identity().uid;
    reply.user = child.identity().user;
    reply.home = child.identity().home;
  } else if (child.error()) {
    reply.error = child.error()->one_line();
    reply.error_code = error_id(child.error()->code());
  }
  client_.send(wire::make_frame(FrameType::become_reply, child.lane(), 0, reply));
}

void Server::on_child_frame(ChildLink& child, Frame frame) {
  frame.lane = child.lane();
  switch (frame.type) {
    case FrameType::result:
      // Frames that belong to no running task of this lane are not passed on.
      if (!running_ || running_->lane != frame.lane || running_->id != frame.id) return;
      if ((frame.flags & wire::kMore) != 0) {
        client_.send_frame(frame);
        return;
      }
      finish(std::move(frame));
      return;
    case FrameType::need_content:
    case FrameType::content_ack:
    case FrameType::output:
    case FrameType::data:
      if (running_ && running_->lane == frame.lane && running_->id == frame.id) forward(frame);
      return;
    case FrameType::notice:
      forward(frame);
      return;
    default:
      return;
  }
}

// userdel refuses a user who has processes, and one of them may be ours.
void Server::end_children_of(const wire::Task& task) {
  const std::string_view name = std::string_view(task.module).substr(task.module.rfind('.') + 1);
  if (name != "user" || to_text(task.arguments.get("state")) != "absent" || task.check) return;
  const std::string user = to_text(task.arguments.get("name"));
  const auto give_up = Clock::now() + kFlushAtEnd;
  for (const auto& [lane, child] : children_) {
    if (child->user() != user || child->state() != ChildLink::State::open) continue;
    child->close_input();
    while (!child->has_ended() && Clock::now() < give_up) {
      child->turn();
      ::poll(nullptr, 0, 5);
    }
  }
}

void Server::wait_for_children() {
  for (const auto& [lane, child] : children_) child->close_input();
  const auto give_up = Clock::now() + kFlushAtEnd;
  for (const auto& [lane, child] : children_) {
    // A child in order may still finish a transaction; one that never started properly is not
    // waited for.
    while (!child->has_ended() && (!child->error() || Clock::now() < give_up)) {
      child->turn();
      ::poll(nullptr, 0, 10);
    }
  }
}

}  // namespace gpustack::runner
