// The handlers of a play: whose they are, what a notification means, and the flush.
#include "core/base/suggest.hpp"
#include "core/engine/play_run.hpp"

#include <algorithm>

namespace gpustack::engine {

void PlayRun::add_role(const play::Role& role) {
  for (const auto& dependency : role.dependencies) add_role(*dependency);
  for (const auto& handler : role.handlers) {
    if (std::find(handlers_.begin(), handlers_.end(), handler.get()) == handlers_.end())
      handlers_.push_back(handler.get());
  }
  if (role.is_public && std::find(play_.public_roles.begin(), play_.public_roles.end(), &role) ==
                            play_.public_roles.end()) {
    play_.public_roles.push_back(&role);
  }
}

void PlayRun::add_imported(const play::Block& block) {
  const play::Block* inside = &block;
  if (block.imported_role) {
    add_role(*block.imported_role);
    inside = block.imported_role->body.get();
  }
  if (inside == nullptr) return;
  for (const auto* section : {&inside->tasks, &inside->rescue, &inside->always}) {
    for (const auto& node : *section) {
      if (node->type == play::NodeType::block) add_imported(static_cast<const play::Block&>(*node));
    }
  }
}

Result<std::vector<const play::Task*>> PlayRun::handlers_named(const std::string& name,
                                                               Scope& scope) {
  std::vector<const play::Task*> found;
  const play::Task* by_name = nullptr;
  std::vector<std::string> known;
  for (const play::Task* handler : handlers_) {
    Scope own(run_.state(), &play_, scope.host(), handler);
    std::string plain = handler->name;
    if (jinja::has_template(plain)) {
      auto rendered = own.render(Value(plain));
      if (rendered) plain = to_text(*rendered);
    }
    known.push_back(plain);
    const play::Role* role = handler->role();
    if (!plain.empty() &&
        (name == plain || (role != nullptr && name == role->fqcn + " : " + plain))) {
      // Of several with one name the last role (or the play) counts, and in it the first handler.
      if (by_name == nullptr || by_name->role() != role) by_name = handler;
    }
    for (const Value& topic : handler->listen) {
      auto rendered = own.render(topic);
      if (!rendered) continue;
      const List topics = rendered->is_list() ? rendered->as_list() : List{*rendered};
      known.push_back(to_text(topics.empty() ? Value() : topics.front()));
      if (std::any_of(topics.begin(), topics.end(), [&](const Value& one) {
            return to_text(one) == name;
          })) {
        found.push_back(handler);
        break;
      }
    }
  }
  if (by_name != nullptr) found.insert(found.begin(), by_name);
  if (found.empty()) {
    return Error(ErrorCode::engine,
                 "the requested handler '" + name +
                     "' was not found in either the main handlers list nor in the listening "
                     "handlers list")
        .hint(suggest(name, known));
  }
  return found;
}

Async<Flow> PlayRun::flush_handlers(HostRun& host, Position at) {
  std::uint32_t number = 0;
  // A handler may notify a later one; an earlier one then waits for the next flush, as in Ansible.
  for (std::size_t i = 0; i < handlers_.size(); ++i) {
    const play::Task* handler = handlers_[i];
    const Position place = child_position(at, number++);
    const auto found = std::find(host.notified.begin(), host.notified.end(), handler);
    if (found == host.notified.end()) continue;
    auto flow = co_await run_task(host, *handler, place);
    // Removed after it ran: a handler that notifies a topic it listens to does not run again.
    std::erase(host.notified, handler);
    if (!flow || *flow != Flow::go_on) co_return flow;
  }
  co_return Flow::go_on;
}

}  // namespace gpustack::engine
