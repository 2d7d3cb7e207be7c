#include "core/engine/lockstep.hpp"

namespace gpustack::engine {

Lockstep::Lockstep(const asio::any_io_executor& executor, std::size_t members, Mode mode)
    : executor_(executor), mode_(mode), members_(members), left_(members) {
  for (std::size_t i = 0; i < members; ++i) at_[Position()].insert(i);
}

void Lockstep::move(std::size_t member, const Position* to) {
  Member& self = members_[member];
  const Position from = self.position;
  const auto old = at_.find(from);
  const bool was_first = old == at_.begin();
  old->second.erase(member);
  const bool emptied = old->second.empty();
  if (emptied) at_.erase(old);
  if (to != nullptr) {
    self.position = *to;
    at_[*to].insert(member);
  } else {
    self.is_in = false;
    --left_;
  }
  if (!was_first || !emptied) return;
  if (passed_) passed_(from);
  if (at_.empty()) return;
  for (const std::size_t waiting : at_.begin()->second) {
    if (members_[waiting].turn) members_[waiting].turn->set();
  }
}

Async<void> Lockstep::arrive(std::size_t member, Position position) {
  move(member, &position);
  if (mode_ == Mode::free || at_.begin()->first == position) co_return Result<void>();
  members_[member].turn = std::make_unique<async::Event>(executor_);
  GS_CO_TRY_VOID(co_await members_[member].turn->wait());
  members_[member].turn.reset();
  co_return Result<void>();
}

void Lockstep::leave(std::size_t member) {
  if (members_[member].is_in) move(member, nullptr);
}

}  // namespace gpustack::engine
