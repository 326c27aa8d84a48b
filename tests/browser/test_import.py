"""One whole walk through the wizard in a browser: a CP949 file, a value that is translated, the preview, and the end in the list."""

from pathlib import Path

from playwright.sync_api import Page, expect

TEXT = "이메일 주소,성명,유입 경로\r\nimport-hong@gana.example,홍길동,박람회장\r\nimport-kim@gana.example,김민수,세미나실\r\n"


def test_a_file_becomes_contacts(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "명단.csv"
    file.write_bytes(TEXT.encode("cp949"))
    page.goto("/import/")
    page.locator("input[type=file]").set_input_files(file)
    page.locator(".upload button[type=submit]").click()
    page.wait_for_url("**/import/*/")
    expect(page.get_by_role("heading", name="명단.csv")).to_be_visible()
    row = page.locator(".matching tr", has_text="유입 경로")
    expect(row.locator("li")).to_have_count(2)
    row.locator("li", has_text="박람회장").locator("select").select_option("exhibition")
    row.locator("label.all select").select_option("-")
    expect(row.locator("li", has_text="세미나실").locator("select")).to_have_value("-")
    page.locator("button[name=next]").click()
    page.wait_for_url("**/preview/")
    expect(page.locator(".preview")).to_contain_text("홍")
    expect(page.locator(".import-numbers dd").first).to_have_text("2")
    page.locator(".page-head .btn.primary").click()
    page.wait_for_url(lambda url: "preview" not in url)
    expect(page.locator(".import-busy progress")).to_be_visible()
    page.goto("/import/")
    expect(page.get_by_role("link", name="명단.csv")).to_be_visible()
