// The guest's serial console.
#pragma once

#include "inspector/views/common/view.h"

class QPlainTextEdit;

namespace orrery::inspector {

class ConsoleView : public View {
    Q_OBJECT
public:
    static constexpr int line_limit = 10'000;

    explicit ConsoleView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    void append(const QByteArray& bytes);

    QPlainTextEdit* text_;
    QByteArray held_; // the beginning of a UTF-8 character whose end has not come yet
    int lines_ = 0;
};

} // namespace orrery::inspector
