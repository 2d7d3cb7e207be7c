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

namespace {

/// The names under which one handler can be notified.
struct HandlerNames {
  std::string fault;  ///< why a template for the name gives none
  std::string name;   ///< rendered; as written where that fails
  std::vector<List> topics;

  [[nodiscard]] bool is_named(const std::string& wanted, const play::Role* role) const {
    if (name.empty()) return false;
    return wanted == name || (role != nullptr && wanted == role->fqcn + " : " + name);
  }
  [[nodiscard]] bool listens_to(const std::string& wanted) const {
    return std::ranges::any_of(topics, [&](const List& some) {
      return std::ranges::any_of(some, [&](const Value& one) { return to_text(one) == wanted; });
    });
  }
};

HandlerNames names_of(const play::Task& handler, Scope& own) {
  HandlerNames names;
  names.name = handler.name;
  if (jinja::has_template(names.name)) {
    auto rendered = own.render(Value(names.name));
    if (rendered) {
      names.name = to_text(*rendered);
    } else {
      names.fault = rendered.error().message();
    }
  }
  // Topics are taken as written. @source ansible-core 2.14, StrategyBase._process_pending_results
  for (const Value& topic : handler.listen)
    names.topics.push_back(topic.is_list() ? topic.as_list() : List{topic});
  return names;
}

}  // namespace

Result<std::vector<const play::Task*>> PlayRun::handlers_named(const std::string& name,
                                                               Scope& scope) {
  std::vector<const play::Task*> found;
  const play::Task* by_name = nullptr;
  std::vector<std::string> known;
  for (const play::Task* handler : handlers_) {
    Scope own(run_.state(), &play_, scope.host(), handler);
    const HandlerNames names = names_of(*handler, own);
    known.push_back(names.name);
    for (const List& some : names.topics)
      known.push_back(to_text(some.empty() ? Value() : some.front()));
    if (!names.fault.empty() && names.topics.empty() && warned_handlers_.insert(handler).second) {
      run_.warn("Handler '" + handler->name +
                "' is unusable because it has no listen topics and the name could not be templated "
                "(host-specific variables are not supported in handler names). The error: " +
                names.fault);
    }
    // Of several with one name the last role (or the play) counts, and in it the first handler.
    const play::Role* role = handler->role();
    if (names.is_named(name, role) && (by_name == nullptr || by_name->role() != role))
      by_name = handler;
    if (names.listens_to(name)) found.push_back(handler);
  }
  if (by_name != nullptr) found.insert(found.begin(), by_name);
  if (found.empty()) {
    return Error(ErrorCode::engine,
                 "The requested handler '" + name +
                     "' was not found in either the main handlers list nor in the listening "
                     "handlers list")
        .hint(suggest(name, known));
  }
  return found;
}

Async<Flow> PlayRun::flush_handlers(HostRun& host, Position at) {
  if (host.pipeline.may_notify() || !host.notified.empty()) {
    GS_CO_TRY(const Flow before, co_await settle(host));
    if (before != Flow::go_on) co_return before;
  }
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
