#include "core/async/pool.hpp"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace gpustack::async {

class Pool::Impl {
 public:
  Impl(const std::string& name, std::size_t threads)
      : name_(name.substr(0, 15)), most_threads_(threads) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
      calls_.clear();
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void post(std::function<void()> call) {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(std::move(call));
      if (calls_.size() > idle_ && threads_.size() < most_threads_) start_thread();
    }
    wake_.notify_one();
  }

 private:
  /// Requires: mutex_ held.
  void start_thread() {
    threads_.emplace_back([this] { serve(); });
    pthread_setname_np(threads_.back().native_handle(), name_.c_str());
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      wake_.wait(lock, [this] { return is_ending_ || !calls_.empty(); });
      --idle_;
      if (calls_.empty()) return;
      std::function<void()> call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      call();
      call = nullptr;  // what it owned dies outside the lock
      lock.lock();
    }
  }

  const std::string name_;
  const std::size_t most_threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> calls_;
  bool is_ending_ = false;
  std::size_t idle_ = 0;  ///< threads that wait for a call
  std::vector<std::thread> threads_;
};

Pool::Pool(const std::string& name, std::size_t threads)
    : impl_(std::make_unique<Impl>(name, threads)) {}

Pool::~Pool() = default;

void Pool::post(std::function<void()> call) { impl_->post(std::move(call)); }

}  // namespace gpustack::async
