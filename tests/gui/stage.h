// A window on a fake machine, for the tests of views.
#pragma once

#include <QApplication>

#include "inspector/app/main_window.h"
#include "inspector/models/selection.h"
#include "inspector/views/common/view_dock.h"
#include "tests/gui/fake_source.h"

namespace orrery::inspector::test {

// Its machine can stand at the sample stop.
struct Stage {
    FakeSource source;
    MainWindow window { &source, false };

    Stage()
    {
        source.answer_code(sample_code());
        window.resize(1280, 800);
        window.show();
        window.reset_layout();
    }
    void run()
    {
        source.become(RunState::running);
        source.show(sample_snapshot());
        window.selection()->select_thread(4);
        QApplication::processEvents();
    }
    void stop()
    {
        auto snapshot = sample_snapshot();
        snapshot.freshness = Freshness::stopped;
        source.become(RunState::running);
        source.show(snapshot);
        source.stop_at(sample_stop());
        source.show(snapshot);
        QApplication::processEvents();
    }
    template <typename T>
    T* view(const char* name)
    {
        auto* dock = window.dock(QLatin1String(name));
        dock->show();
        dock->raise();
        QApplication::processEvents();
        return qobject_cast<T*>(dock->view());
    }
    View* any_view(const char* name) { return view<View>(name); }
};

} // namespace orrery::inspector::test
